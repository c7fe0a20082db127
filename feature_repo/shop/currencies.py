"""The signs and words of currencies, in prices of shops and in queries of shoppers."""

CURRENCIES = {
    "EUR": "€ eur euro euros evro ευρώ евро يورو یورو ユーロ 유로 欧元",
    "USD": "us$ usd dollar dollars bucks dólares dolares dollari долларов دولار 美元 ドル 달러",
    "GBP": "£ gbp pound pounds quid",
    "JPY": "円 jpy yen",
    "CNY": "元 块钱 块 人民币 rmb cny yuan",
    "KRW": "₩ 원 krw won",
    "INR": "₹ inr rs rupee rupees रुपये रुपए",
    "RUB": "₽ руб рублей рубля рубль rub р",
    "TRY": "₺ tl try lira liradan liranın liraya",
    "PLN": "zł pln złotych złote zloty zlotych zl",
    "CZK": "kč czk korun kc",
    "HUF": "ft huf forint",
    "CHF": "chf sfr franken fr",
    "SEK": "sek kronor",
    "NOK": "nok kroner",
    "DKK": "dkk kroner",
    "THB": "฿ บาท thb baht",
    "SAR": "ريال sar",
    "AED": "درهم aed",
    "IRR": "تومان ریال toman",
    "ILS": "₪ ils שקל שקלים",
    "UAH": "₴ грн uah гривень",
    "BRL": "r$ reais real brl",
    "RON": "lei ron",
    "VND": "₫ vnd đồng",
    "IDR": "rp idr rupiah",
}
"""Signs and words of each currency, folded."""

SHARED_SIGNS = {
    "$": frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "MXN", "ARS", "CLP", "COP", "HKD"}),
    "¥": frozenset({"JPY", "CNY"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
}
"""Signs that several currencies use."""

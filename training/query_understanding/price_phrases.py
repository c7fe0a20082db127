"""The words of price limits, by what they mean.

A strong phrase limits a price without a currency: "under 50".  A weak one needs a currency or the
word "price", because it also limits sizes and numbers: "up to 55 inches", "air max 90".
"""

DOUBTFUL = {
    **dict.fromkeys(("ft", "fr", "real", "won", "r", "rand", "din", "dong", "manat", "lev"), None),
    **dict.fromkeys(("pound", "pounds"), "GBP"),
}
"""Words with another meaning, and the currency that they mean where a market declares none."""

AT_MOST = (
    "<=|<|≤|under|below|beneath|less than|cheaper than|no more than|not more than|not over|at most|"
    "for less than|lower than|"
    "unter|weniger als|billiger als|günstiger als|nicht mehr als|höchstens|nicht teurer als|"
    "nicht über|"
    "à moins de|moins de|moins cher que|pas plus de|en dessous de|au-dessous de|"
    "por menos de|menos de|de menos de|no más de|por debajo de|más barato que|"
    "meno di|a meno di|non più di|al di sotto di|"
    "menos de|abaixo de|não mais de|por menos de|"
    "onder|onder de|minder dan|goedkoper dan|niet meer dan|"
    "billigare än|mindre än|högst|billigere end|billigere enn|mindre end|mindre enn|højst|"
    "alle|enintään|halvempi kuin|"
    "poniżej|tańsze niż|mniej niż|nie więcej niż|levnější než|méně než|"
    "дешевле|не дороже|не более|не больше|меньше|менее|"
    "أقل من|ارخص من|لا يزيد عن|کمتر از|ارزان‌تر از|زیر|"
    "מתחת ל|מתחת ל-|פחות מ|פחות מ-|低于|不超过|少于|ไม่เกิน|ต่ำกว่า|น้อยกว่า|ถูกกว่า|"
    "dưới|không quá|ít hơn|rẻ hơn|thấp hơn|κάτω από|λιγότερο από|sub|mai puțin de|di bawah|"
    "kurang dari|tidak lebih dari|en fazla|дешевше|не більше|не дорожче|менше|"
    "menej ako|lacnejšie ako|manj kot|manje od|jeftinije od|"
    "undir|minna en|ódýrara en|ekki meira en|að hámarki|mažiau nei|mažiau kaip|pigiau nei|"
    "mazāk par|lētāk par|"
    "vähem kui|odavam kui|არაუმეტეს"
)
AT_MOST_WEAK = (
    "up to|max|maximum|within|until|to|for|bis|bis zu|maximal|jusqu'à|maximum|sous|hasta|máximo|"
    "fino a|sotto i|sotto|massimo|até|máximo|tot|maximaal|max|upp till|op til|opp til|maks|"
    "do|maksymalnie|max|до|حتى|تا|עד|עד ל-|έως|μέχρι|până la|hingga|sampai|maksimal|최대|"
    "tối đa|đến|tới|pod|под|ispod|испод|iki|kuni|alla|līdz|najviac|največ|"
    "allt að|upp að|մինչև"
)
NOT_LESS = (
    "no less than|not less than|not under|not below|nicht unter|nicht weniger als|pas moins de|"
    "no menos de|non meno di|não menos de|niet minder dan|не дешевле|не менее|не меньше|لا يقل عن|"
    "不低于|不少于|"
    "ekki minna en|არანაკლებ"
)
AT_LEAST = (
    ">=|>|≥|over|above|more than|at least|starting at|über|mehr als|mindestens|teurer als|plus de|"
    "au moins|más de|mínimo|por encima de|più di|almeno|mais de|acima de|pelo menos|boven|meer dan|"
    "minstens|duurder dan|över|mer än|minst|mere end|mer enn|mindst|yli|vähintään|powyżej|"
    "więcej niż|co najmniej|více než|дороже|больше|более|свыше|أكثر من|بیشتر از|بالای|יותר מ|מעל|"
    "מעל ל-|יותר מ-|高于|超过|มากกว่า|สูงกว่า|trên|nhiều hơn|cao hơn|πάνω από|περισσότερο από|"
    "peste|di atas|lebih dari|en az|більше|понад|viac ako|več kot|više od|"
    "yfir|meira en|að minnsta kosti|daugiau nei|vairāk par|rohkem kui|vähemalt|мин дегенде"
)
AT_LEAST_WEAK = (
    "from|min|minimum|ab|von|à partir de|desde|a partir de|da|vanaf|från|fra|od|от|من|از|"
    "מ|από|de la|dari|từ|hơn|tối thiểu|ตั้งแต่|від|nad|над|iznad|изнад|preko|nuo|alates|üle|virs|"
    "frá"
)
AFTER_AT_MOST = (
    "以下|未満|以内|まで|以内|以下|이하|미만|까지|"
    "altı|altında|altındaki|dan ucuz|den ucuz|den az|dan az|"
    "से कम|के अंदर|से नीचे|alatt|or less|or under|and under|oder weniger|or below|max|maximum|"
    "maximal|ou moins|o menos|o meno|ou menos|of minder|eller mindre|以内的|内|以里|"
    "ye kadar|ya kadar|kadar|qədər|ucuz|aşağı|მდე|ზე ნაკლები|ზე იაფი|ნაკლები|იაფი|"
    "дейін|арзан|төмен|доош|хүртэл|պակաս|էժան|ցածր|নিচে|কম|মধ্যে"
)
AFTER_AT_LEAST = (
    "以上|이상|초과|から|起|से ज्यादा|से अधिक|"
    "üstü|üstünde|üzeri|üzerinde|dan fazla|den fazla|dan pahalı|den pahalı|"
    "felett|or more|and up|and over|oder mehr|ou plus|o más|o più|ou mais|of meer|eller mer|"
    "çox|baha|yuxarı|დან|ზე მეტი|ზე ძვირი|მეტი|ძვირი|жоғары|қымбат|көп|бастап|дээш|ավելի|թանկ|"
    "বেশি|উপরে"
)
OF_CURRENCY_AT_MOST = "ლარამდე"
OF_CURRENCY_AT_LEAST = "ლარიდან"
"""Phrases after a number that are forms of a currency's name."""
BETWEEN = (
    ("between", "and"),
    ("zwischen", "und"),
    ("entre", "et|y|e"),
    ("tra|fra", "e"),
    ("tussen", "en"),
    ("mellan|mellem|mellom", "och|og"),
    ("między|pomiędzy", "a|i"),
    ("между", "и"),
    ("بين|بین", "و"),
    ("ระหว่าง", "ถึง|และ|กับ"),
    ("giữa", "và"),
    ("antara", "dan|hingga"),
    ("між", "і|та"),
    ("milli", "og"),
)
BETWEEN_WEAK = (
    ("from", "to|till"),
    ("von", "bis"),
    ("de", "à|a"),
    ("da", "a"),
    ("van", "tot"),
    ("od", "do"),
    ("от", "до"),
    ("من", "الى|إلى"),
    ("از", "تا"),
    ("från|fra", "till|til"),
    ("từ", "đến|tới"),
    ("ตั้งแต่", "ถึง"),
    ("dari", "sampai|hingga"),
    ("від", "до"),
)
TO = r"-|–|—|〜|~|から|to|bis|à|a|tot|till|til|do|до|до|تا|الى|到|至|에서|ถึง|đến|tới|hingga|sampai"
PRICE = (
    "price|prices|preis|preise|prix|precio|prezzo|preço|prijs|pris|cena|ceny|цена|سعر|قیمت|fiyat|"
    "価格|가격|价格|ราคา|giá|harga|ціна|τιμή"
)
UNITS = (
    "% percent prozent cm mm m km dm inch inches in zoll tommer pouces pulgadas pollici "
    "polegadas ft feet foot kg g gr gram grams gramm mg lb lbs oz ounce ounces l ltr liter "
    "litre litres liters ml cl gal gallon gallons quart w watt watts kw kwh v volt volts a "
    "amp ah mah hz ghz mhz gb tb mb kb mp megapixel dpi p k years year yrs yr yo jahre jahren "
    "jahr ans años anni anos jaar år lat лет года years-old months month monate mois meses "
    "mesi maanden weeks week days day tage hours hour hrs hr h stunden minutes minute min "
    "mins minuten seconds sec s people persons personen personnes personas persone players "
    "player spieler pieces piece pcs pc teile teilig stück stuks pièces piezas pezzi peças "
    "delar dele częsci części деталей шт штук pack packs count ct sheets seiten pages degrees "
    "grad c f bar psi rpm db lumen lumens lm calories kcal kalorien din eu uk us size größe д "
    "см мм м км кг г л мл вт سم كجم كغ سنوات سنة インチ センチ 枚 個 歳 才 本 人 日 時間 点 "
    "세 인치 개 岁 寸 厘米 米 人份 "
    "กก กิโล กิโลกรัม กรัม นิ้ว ซม มม เมตร ลิตร มล วัตต์ โวลต์ ปี เดือน วัน ชิ้น คน คู่ แผ่น ขวด "
    "lít ml tuổi tháng năm ngày giờ cái chiếc người miếng gói hộp đôi tấm viên chai bộ "
    "tahun bulan orang buah lembar pasang liter inç adet yaş parça kişilik calci cali ° \" ″ '' "
)

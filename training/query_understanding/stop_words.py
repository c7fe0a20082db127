"""Words that say nothing of an item, by language: articles, prepositions, conjunctions.

The lists are short on purpose.  A longer one would hold words that name items, such as `new`.
"""

from functools import cache

from training.query_understanding.words import words

_LISTS = {
    "arabic": "في من على إلى الى عن مع و أو او ل ال هذا هذه",
    "armenian": "և ու համար է մեջ",
    "basque": "eta edo bat",
    "catalan": "a al amb d de del dels el els en i l la les o per un una",
    "czech": "a i k na nebo o od pro s se u v ve z za ze",
    "danish": "af en et eller for fra i med og om på til ved den det de",
    "dutch": "aan bij de den der een en het in met of om op te tot uit van voor",
    "english": "a an and at by for from i in is it my of on or s t the to with",
    "estonian": "ja on või",
    "finnish": "ja tai on",
    "french": "a à au aux avec c ce d dans de des du en et l la le les n ou par pour qu s sur un "
    "une",
    "german": "ab am an auf aus bei bis das dem den der des die ein eine einem einen einer eines "
    "für im in ins mit oder s und vom von zu zum zur",
    "greek": "από για η και με ο οι σε στη στην στο τα τη την της τις το του των",
    "hebrew": "של את עם על או עבור",
    "hindi": "का की के को में से और या लिए पर है",
    "hungarian": "a az egy és vagy",
    "indonesian": "dan di dengan dari ke untuk yang atau",
    "irish": "agus an na le do",
    "italian": "a ai al alla alle con d da dal dalla dei del dell della delle di e ed i il in l la "
    "le lo gli o per su un una uno",
    "japanese": "の ノ は ハ が ガ に ニ と ト で デ を ヲ",
    "lithuanian": "ir ar su į iš",
    "norwegian": "av en et eller for fra i med og om på til ved den det de",
    "persian": "از با به برای در و یا را های ها",
    "polish": "a dla do i lub na o od po w we z za ze",
    "portuguese": "a ao aos as com da das de do dos e em na nas no nos o os ou para por um uma",
    "romanian": "a al ale cu de din in la o pe pentru sau si un",
    "russian": "в во для до и из или к на о об от по с со у",
    "serbian": "i ili u na za od sa и или у на за од са",
    "spanish": "a al con de del desde e el en hasta la las los o para por un una unos unas y",
    "swedish": "av den det en ett eller från för i med och om på till vid",
    "turkish": "bir da de ile için icin ve veya",
    "ukrainian": "в для до з і й на та у",
    "vietnamese": "cho của và với",
}


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the folded stop words of a language; none where there is no list."""
    return frozenset(words(_LISTS.get(language, "")))

"""Which letters look like which Latin ones, after Unicode TR39 (confusables.txt, single letters only).

Digits, ASCII and what NFKC undoes are left out: "०" is no "o", nor "1" an "l". Capitals are told
from small letters, since В looks like B and в like ʙ. Behind the bar: what people use beside it.
"""

_TR39 = """
a ɑΑαАаᎪꓮ|ᴀ
b ƄΒВЬᏏᏴꓐꞴ|ʙβв
c СсᏟᴄⲤⲥꓚꮯ𐐕𐐽|
d ԁᎠᏧꓒꓓ|ᴅδ
e ΕЕеҽᎬⴹꓰꬲ|ᴇεєёэ
f ϜքẝꓝꞘꞙꬵ|ꜰғƒ
g ƍɡԌցᏀᏳᶃꓖ|ɢ
h ΗНһհᎻᏂⲎꓧ|ʜн
i ɪіΙιꙇꭵӏ|ı
j ͿϳЈјᎫꓙꞲ|ᴊ
k ΚКᏦⲔꓗ|ᴋκк
l ƖǀІӀᏞⲒⳐⵏꓡꓲ𐐛|ʟ
m ΜϺМᎷⲘꓟ|ᴍм
n ΝոռⲚꓠ|ɴηпи
o ΟοσОоՕօᴏᴑⲞⲟⵔꓳꬽ𐐄𐐬|
p ΡρРрᏢⲢⲣꓑ|ᴘ
q ԛգզⵕ|ǫ
r ƦгᎡᏒᴦⲅꓣꭇꭈꮁ|ʀя
s ƽЅѕՏᏕᏚꓢꜱꮪ𐐠𐑈|ς
t ΤТᎢⲦꓔ|ᴛτт
u ʋυՍսᴜꓴꞟꭎꭒ|μ
v νѴѵᏙᴠⴸꓦꮩ|
w ѡԜԝաᎳᏔᴡꓪꮃ|ωш
x ΧХхⲬⵝꓫꞳ|χ
y ɣʏΥγУуҮүᎩᎽᶌỿⲨꓬꭚ|ч
z ΖᏃᴢꓜꮓ|ʐ
"""

SMALL: dict[str, str] = {}
CAPITAL: dict[str, str] = {}
for _line in _TR39.split("\n")[1:-1]:
    for _letter in _line[2:].replace("|", ""):
        (CAPITAL if _letter.isupper() else SMALL)[_letter.casefold()] = _line[0]

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
# Negative circled, negative squared and regional-indicator letters, which NFKC leaves alone.
ENCLOSED = {
    chr(first + number): letter
    for first in (0x1F150, 0x1F170, 0x1F1E6)
    for number, letter in enumerate(_ALPHABET)
}
# Small capitals are letters of no language: a word of nothing else is a disguise too.
SMALL_CAPITALS = frozenset("ᴀʙᴄᴅᴇꜰғɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢ")

_UPRIGHT = "abcdefghijklmnopqrstuvwxyz"
_FLIPPED = ("ɐ", "q", "ɔ", "p", "ǝ", "ɟ", "ƃᵷ", "ɥ", "ᴉıᴉ", "ɾ", "ʞ", "lꞁʃ", "ɯ", "u", "o", "d", "b", "ɹ",
            "s", "ʇ", "n", "ʌ", "ʍ", "x", "ʎ", "z")  # fmt: skip
UPSIDE_DOWN = {shape: letter for letter, shapes in zip(_UPRIGHT, _FLIPPED, strict=True) for shape in shapes}
ONLY_UPSIDE_DOWN = frozenset("ɐɔǝɟƃᵷɥᴉɾʞɯɹʇʌʍʎꞁ")

# The other way: words of Cyrillic in which Latin letters stand.
TO_CYRILLIC = dict(zip("aceopxyikmthbnur", "асеорхуікмтнвпиг", strict=True))

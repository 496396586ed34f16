# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What is done for each message that is watched, compiled: `native.py` says whether it is there.

Everything here has a twin in Python, from which the same comes out: `remember` in behaviour.py, `sifted` in
sifting.py, `words`, `sketch` and `nearly_same` in sketches.py. tests/property/test_kernel.py holds them
together.
"""

from datetime import UTC, datetime

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from rules.finding import likeness
from rules.finding import trail as trails
from rules.finding.asked import SUMMED
from rules.finding.said import counted
from rules.message import CHAT, DELETED, EDITED
from streams.judging import fragments

cdef extern from *:
    """
    #ifndef KERNEL_SOURCE
    #define KERNEL_SOURCE ""
    #endif
    """
    const char *KERNEL_SOURCE
    bint Py_UNICODE_ISALNUM(Py_UCS4 letter)
    bint Py_UNICODE_ISSPACE(Py_UCS4 letter)

# Of which source it was built; `building.is_built` looks for it.
SOURCE = KERNEL_SOURCE.decode()

# rules.finding.trail.LAYOUT
cdef enum:
    SIZE = 31
    TEXT = 12
    CHANNEL = 20
    MESSAGE = 22
    LETTERS = 26
    LINKS = 28
    MENTIONS = 29
    MOST = 32
    PARTITION_BITS = 20
    # streams.judging.fragments
    MOST_LETTERS = 3
    HASHED = 8
    # rules.finding.likeness
    KIN_SIZE = 53
    KIN_AUTHOR = 20
    KIN_FLAGS = 28
    HASHES = 24
    ENOUGH = 12
    BANDS = 4
    ROWS = 3
    BLOCK = 128
    ONE_IN = 16

cdef uint64_t PARTITION = (1 << PARTITION_BITS) - 1
cdef uint64_t LATEST_MS = (<uint64_t>1 << (64 - PARTITION_BITS)) - 1
assert (trails.SIZE, trails.MOST, trails.PARTITION_BITS) == (SIZE, MOST, PARTITION_BITS)
assert (likeness.LAYOUT.size, likeness.HASHES, likeness.ENOUGH) == (KIN_SIZE, HASHES, ENOUGH)
assert (likeness.AUTHOR_BYTES.start, likeness.FLAGS_BYTE) == (KIN_AUTHOR, KIN_FLAGS)
assert (likeness.BANDS, likeness.ROWS, likeness.ONE_IN) == (BANDS, ROWS, ONE_IN)
assert [trails.BYTE[one] for one in (trails.LETTERS, trails.LINKS, trails.MENTIONS)] == [LETTERS, LINKS, MENTIONS]
assert fragments.MOST_LETTERS == MOST_LETTERS

cdef object EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
cdef int FLAG_EDITED = trails.EDITED
cdef const char *HEX = "0123456789abcdef"
cdef str SIGNS = "!/$?.+-"


# -- hashes

cdef uint32_t[256] CRC

cdef void fill_crc() noexcept:
    cdef uint32_t value
    for number in range(256):
        value = number
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320U if value & 1 else 0U)
        CRC[number] = value

fill_crc()

cdef uint32_t crc32(const uint8_t *data, Py_ssize_t length) noexcept nogil:
    """As zlib has it."""
    cdef uint32_t value = 0xFFFFFFFFU
    cdef Py_ssize_t at
    for at in range(length):
        value = CRC[(value ^ data[at]) & 255] ^ value >> 8
    return ~value


cdef uint64_t[8] IV = [
    0x6A09E667F3BCC908ULL, 0xBB67AE8584CAA73BULL, 0x3C6EF372FE94F82BULL, 0xA54FF53A5F1D36F1ULL,
    0x510E527FADE682D1ULL, 0x9B05688C2B3E6C1FULL, 0x1F83D9ABFB41BD6BULL, 0x5BE0CD19137E2179ULL,
]
cdef uint8_t[10][16] SIGMA = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]


cdef inline uint64_t right(uint64_t value, int by) noexcept nogil:
    return value >> by | value << (64 - by)


cdef inline void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) noexcept nogil:
    v[a] += v[b] + x
    v[d] = right(v[d] ^ v[a], 32)
    v[c] += v[d]
    v[b] = right(v[b] ^ v[c], 24)
    v[a] += v[b] + y
    v[d] = right(v[d] ^ v[a], 16)
    v[c] += v[d]
    v[b] = right(v[b] ^ v[c], 63)


cdef void compress(uint64_t *state, const uint8_t *block, uint64_t length, bint last) noexcept nogil:
    cdef uint64_t[16] v
    cdef uint64_t[16] m
    cdef const uint8_t *s
    cdef int n
    memcpy(m, block, 128)  # little-endian, as all that this is built for
    for n in range(8):
        v[n] = state[n]
        v[n + 8] = IV[n]
    v[12] ^= length
    if last:
        v[14] = ~v[14]
    for n in range(12):
        s = SIGMA[n % 10]
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]])
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]])
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]])
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]])
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]])
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]])
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]])
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]])
    for n in range(8):
        state[n] ^= v[n] ^ v[n + 8]


cdef class Hash:
    """BLAKE2b of eight bytes, with a key of up to 64 (RFC 7693)."""

    cdef uint64_t[8] start
    cdef uint64_t begun
    cdef uint64_t empty

    def __init__(self, bytes key):
        cdef uint64_t[8] state
        cdef uint8_t[BLOCK] padded
        if len(key) > 64:
            raise ValueError("a key of at most 64 bytes")
        memset(padded, 0, BLOCK)
        memcpy(padded, PyBytes_AS_STRING(key), len(key))
        memcpy(self.start, IV, 64)
        self.start[0] ^= 0x01010000 ^ len(key) << 8 ^ HASHED
        memcpy(state, self.start, 64)
        # Where there is a key it is the first block.
        self.begun = BLOCK if key else 0
        compress(state, padded, self.begun, True)
        self.empty = state[0]
        if key:
            compress(self.start, padded, BLOCK, False)

    cdef uint64_t of(self, const uint8_t *data, Py_ssize_t length) noexcept:
        cdef uint64_t[8] state
        cdef uint8_t[BLOCK] rest
        cdef Py_ssize_t done = 0
        if not length:
            return self.empty
        memcpy(state, self.start, 64)
        while length - done > BLOCK:
            done += BLOCK
            compress(state, data + done - BLOCK, self.begun + done, False)
        memset(rest, 0, BLOCK)
        memcpy(rest, data + done, length - done)
        compress(state, rest, self.begun + length, True)
        return state[0]

    def digest(self, bytes data):
        """Return the eight bytes."""
        cdef uint64_t found = self.of(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        return PyBytes_FromStringAndSize(<char *>&found, HASHED)


# -- letters

cdef inline int letter_at(const uint8_t *data, Py_UCS4 *letter) noexcept nogil:
    """Read a code point of UTF-8; return how many bytes it has."""
    cdef uint8_t byte = data[0]
    if byte < 0x80:
        letter[0] = byte
        return 1
    if byte < 0xE0:
        letter[0] = (byte & 0x1F) << 6 | data[1] & 0x3F
        return 2
    if byte < 0xF0:
        letter[0] = (byte & 0x0F) << 12 | (data[1] & 0x3F) << 6 | data[2] & 0x3F
        return 3
    letter[0] = (byte & 0x07) << 18 | (data[1] & 0x3F) << 12 | (data[2] & 0x3F) << 6 | data[3] & 0x3F
    return 4


cdef inline bint is_small(uint8_t byte) noexcept nogil:
    return c'a' <= byte <= c'z' or c'0' <= byte <= c'9'


cdef Py_ssize_t bare(const uint8_t *data, Py_ssize_t length, uint8_t *into, Py_ssize_t *letters) noexcept:
    """Write what makes two texts the same: letters and digits; return how many bytes, and count letters."""
    cdef Py_ssize_t at = 0, size = 0, count = 0
    cdef int more
    cdef Py_UCS4 letter
    while at < length:
        if data[at] < 0x80:
            if is_small(data[at]):
                into[size] = data[at]
                size += 1
                count += 1
            at += 1
            continue
        more = letter_at(data + at, &letter)
        if Py_UNICODE_ISALNUM(letter):
            memcpy(into + size, data + at, more)
            size += more
            count += 1
        at += more
    letters[0] = count
    return size


cdef Py_ssize_t typed_mentions(str text):
    """Return how many stand in a text: `rules.finding.seen.mentions`."""
    cdef Py_ssize_t at, found = 0, length = len(text)
    cdef Py_UCS4 before
    for at in range(length - 1):
        if text[at] == u"@" and is_wordly(text[at + 1]):
            before = text[at - 1] if at else u" "
            found += not (before == u"@" or is_wordly(before))
    return found


cdef inline bint is_wordly(Py_UCS4 letter):
    return letter == u"_" or Py_UNICODE_ISALNUM(letter)


# -- entries

cdef inline void big(uint8_t *into, uint64_t value, int size) noexcept nogil:
    """Write a number, its highest byte first."""
    cdef int at
    for at in range(size):
        into[at] = value >> 8 * (size - 1 - at) & 255


cdef bint is_counted(message, author):
    """Return whether it is something that somebody says themselves, in a chat."""
    return (
        author is not None
        and not (author.bot or author.relay)
        and message.kind is not DELETED
        and message.surface is CHAT
    )


def remembered(
    list cases, Py_ssize_t most_bytes, object old, bint compares,
    object partition, object place, object author_of, Hash hasher, object covered,
):
    """Set what their authors' trails will say of cases, as `Observer.remember` has it.

    Args:
        partition: Returns what stands for a partition.
        place: Returns what stands for a tenant, platform and channel.
        author_of: Returns what stands for an author.
        covered: Returns what stands for a text that may be a part of a word.
    """
    cdef list perhaps_new = [], others = []
    cdef dict partitions = {}
    cdef bytes data, identity, cipher
    cdef str text
    cdef uint8_t[SIZE] entry
    cdef uint8_t *scratch = NULL
    cdef Py_ssize_t room = 0, size, letters, length, number, bytes_read = 0
    cdef const uint8_t *raw
    cdef double at
    cdef uint64_t ms, hashed
    cdef int flags, links, mentions, invites, held
    try:
        for number in range(len(cases)):
            case = cases[number]
            message, evidence = case.message, case.evidence
            data = evidence.folded.data
            raw, length = <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
            bytes_read += length
            author = message.author
            if is_counted(message, author):
                text, linked, record = message.text, evidence.links, case.record
                if length > room:
                    free(scratch)
                    room = 2 * length
                    scratch = <uint8_t *>malloc(room)
                    if scratch == NULL:
                        room = 0
                        raise MemoryError
                size = bare(raw, length, scratch, &letters)
                if letters and linked is not None and not linked and not message.entities and text[0] not in SIGNS:
                    held = min(letters, 255)
                    flags = FLAG_EDITED if message.kind is EDITED else 0
                    mentions = min(255, max(typed_mentions(text) if "@" in text else 0, len(message.mentions)))
                    links = invites = 0
                else:
                    held, flags, links, mentions, invites = counted(message, letters, linked)
                identity = message.id.encode("utf-8", "surrogatepass")
                if 1 <= letters <= MOST_LETTERS and not flags & FLAG_EDITED:
                    cipher = covered(PyBytes_FromStringAndSize(<char *>scratch, size))
                    memcpy(entry + TEXT, PyBytes_AS_STRING(cipher), HASHED)
                else:
                    if size:
                        hashed = hasher.of(scratch, size)
                    elif length:
                        hashed = hasher.of(raw, length)
                    else:  # nothing is said again by saying nothing
                        hashed = hasher.of(<const uint8_t *>PyBytes_AS_STRING(identity), PyBytes_GET_SIZE(identity))
                    memcpy(entry + TEXT, &hashed, HASHED)
                at = case.at * 1000.0 + 0.5
                ms = 0 if not at >= 1.0 else LATEST_MS if at >= <double>LATEST_MS else <uint64_t>at
                where = record.partition
                if where not in partitions:
                    partitions[where] = partition(where)
                big(entry, ms << PARTITION_BITS | <uint64_t>partitions[where] & PARTITION, 8)
                big(entry + 8, <uint64_t>(record.offset & 0xFFFFFFFF), 4)
                big(entry + CHANNEL, <uint64_t>place(message.tenant, message.platform, message.channel), 2)
                big(entry + MESSAGE, crc32(<const uint8_t *>PyBytes_AS_STRING(identity), PyBytes_GET_SIZE(identity)), 4)
                entry[LETTERS] = held
                entry[LETTERS + 1] = flags
                entry[LINKS] = links
                entry[MENTIONS] = mentions
                entry[LETTERS + 4] = invites
                case.entry = PyBytes_FromStringAndSize(<char *>entry, SIZE)
                name = case.author
                if name is not None:
                    made = author.created_at
                    if made is None or made.tzinfo is not UTC or not EPOCH < made <= old:
                        perhaps_new.append(number)
                    elif compares and (
                        links or mentions or not <uint8_t>PyBytes_AS_STRING(author_of(name))[0] % ONE_IN
                    ):
                        others.append(number)
            if bytes_read > most_bytes:
                return number + 1, perhaps_new, others
    finally:
        free(scratch)
    return len(cases), perhaps_new, others


# -- likeness

def words(bytes data):
    """Return the hashes of the words that are compared, without order, of an `easy` plain view."""
    cdef const uint8_t *raw = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(data), at = 0, end, begin
    cdef Py_UCS4 letter
    cdef bint digits, is_sign
    cdef set found = set()
    while at < length:
        end = end_of_run(raw, at, length, &is_sign)
        if is_sign:
            at = end
        while at < end:
            begin, digits = at, True
            while at < end and (is_small(raw[at]) if raw[at] < 0x80 else is_letter(raw + at)):
                digits = digits and c'0' <= raw[at] <= c'9'
                at += letter_at(raw + at, &letter)
            if at > begin:
                if not digits:
                    found.add(crc32(raw + begin, at - begin))
            else:
                at += letter_at(raw + at, &letter)
        at = end
        while at < length and is_space(raw + at):
            at += letter_at(raw + at, &letter)
    return list(found)


cdef inline bint is_letter(const uint8_t *data) noexcept:
    cdef Py_UCS4 letter
    letter_at(data, &letter)
    return Py_UNICODE_ISALNUM(letter)


cdef inline bint is_space(const uint8_t *data) noexcept:
    cdef Py_UCS4 letter
    letter_at(data, &letter)
    return Py_UNICODE_ISSPACE(letter)


cdef Py_ssize_t end_of_run(const uint8_t *raw, Py_ssize_t at, Py_ssize_t length, bint *is_sign) noexcept:
    """Return where the next space is, and whether what goes before it is a link, a mention or the like."""
    cdef Py_UCS4 letter, last = c' ', before = c' '
    is_sign[0] = False
    while at < length and not is_space(raw + at):
        at += letter_at(raw + at, &letter)
        if letter == c'@' or letter == c'/' or last == c'.' and is_wordly(before) and is_wordly(letter):
            is_sign[0] = True
        before, last = last, letter
    return at


def sketch(texts, tenants, bytes factors, bytes names):
    """Return each text's sketch, and the names of its bands, as `Sketcher.sketch` does.

    Args:
        factors: Of the hash functions, 64 bits each.
        names: Factors of the places in a band's name, band by band, 64 bits each.
    """
    cdef list found = [], bands
    cdef const uint64_t *factor = <const uint64_t *>PyBytes_AS_STRING(factors)
    cdef const uint64_t *name = <const uint64_t *>PyBytes_AS_STRING(names)
    cdef uint32_t[HASHES] least
    cdef uint8_t[HASHES] bits
    cdef char[16] digits
    cdef uint64_t word, value
    cdef uint32_t hashed
    cdef int place, band
    for text, tenant in zip(texts, tenants, strict=True):
        memset(least, 255, sizeof(least))
        for word in text:
            for place in range(HASHES):
                hashed = <uint32_t>(word * factor[place] >> 32)
                if hashed < least[place]:
                    least[place] = hashed
        for place in range(HASHES):
            bits[place] = least[place] & 255
        bands = []
        for band in range(BANDS):
            value = tenant
            for place in range(band * ROWS, (band + 1) * ROWS):
                value += least[place] * name[place]
            for place in range(16):
                digits[place] = HEX[value >> 4 * (15 - place) & 15]
            bands.append(PyUnicode_DecodeASCII(digits, 16, NULL))
        found.append((PyBytes_FromStringAndSize(<char *>bits, HASHES), bands))
    return found


cdef inline int same_places(const uint8_t *one, const uint8_t *other) noexcept nogil:
    """Return in how many places two sketches agree."""
    cdef int at, found = 0
    for at in range(HASHES):
        found += one[at] == other[at]
    return found


def nearly_same(sketches, said):
    """Return, of each message, the entries of its bands' trails that are nearly the same, as sketches.py has it."""
    cdef list found = [], stood
    cdef bytes own, trail
    cdef const uint8_t *mine
    cdef const uint8_t *one
    cdef uint8_t *alike = NULL
    cdef uint64_t *authors = NULL
    cdef uint64_t author
    cdef Py_ssize_t room = 0, most, at, other, count, before, counted
    try:
        for own, stood in zip(sketches, said, strict=True):
            if PyBytes_GET_SIZE(own) != HASHES:
                raise ValueError("that is no sketch")
            mine = <const uint8_t *>PyBytes_AS_STRING(own)
            most = sum([len(trail) for trail in stood]) // KIN_SIZE
            if most > room:
                free(alike)
                free(authors)
                room = 2 * most
                alike = <uint8_t *>malloc(room * KIN_SIZE)
                authors = <uint64_t *>malloc(room * sizeof(uint64_t))
                if alike == NULL or authors == NULL:
                    room = 0
                    raise MemoryError
            count = counted = 0
            for trail in stood:
                if PyBytes_GET_SIZE(trail) % KIN_SIZE:  # a damaged one says nothing
                    continue
                before = count
                for at in range(0, PyBytes_GET_SIZE(trail), KIN_SIZE):
                    one = <const uint8_t *>PyBytes_AS_STRING(trail) + at
                    if same_places(mine, one + KIN_SIZE - HASHES) < ENOUGH:
                        continue
                    # What is said word by word stands in several trails.
                    for other in range(before):
                        if not memcmp(alike + other * KIN_SIZE, one, KIN_SIZE):
                            break
                    else:
                        memcpy(alike + count * KIN_SIZE, one, KIN_SIZE)
                        count += 1
                        if one[KIN_FLAGS]:
                            memcpy(&author, one + KIN_AUTHOR, 8)
                            for other in range(counted):
                                if authors[other] == author:
                                    break
                            else:
                                authors[counted] = author
                                counted += 1
            found.append((PyBytes_FromStringAndSize(<char *>alike, count * KIN_SIZE), counted))
    finally:
        free(alike)
        free(authors)
    return found


# -- the sieve

cdef struct Waits:
    Py_ssize_t before
    uint64_t reach
    Py_ssize_t copies
    int unlike
    int letters
    int marks
    int[3] column
    double[3] limit


cdef inline uint64_t stamp_at(const uint8_t *entry) noexcept nogil:
    cdef uint64_t found = 0
    cdef int at
    for at in range(8):
        found = found << 8 | entry[at]
    return found


cdef bint are_recent(const uint8_t *said, Py_ssize_t own, uint64_t now, Waits *waits) noexcept nogil:
    """Return whether so many messages came within the time, whatever they are."""
    cdef uint64_t since = now - waits.reach if now > waits.reach else 0
    return own >= waits.before >= 0 and stamp_at(said + (own - waits.before) * SIZE) >= since


cdef Py_ssize_t copies_of(const uint8_t *said, Py_ssize_t own) noexcept nogil:
    """Return how many of the messages looked back at have the same text."""
    cdef Py_ssize_t number, found = 0
    for number in range(max(0, own - MOST + 1), own):
        found += not memcmp(said + number * SIZE + TEXT, said + own * SIZE + TEXT, HASHED)
    return found


cdef bint are_marked_enough(const uint8_t *said, Py_ssize_t own, uint64_t now, Waits *waits) noexcept nogil:
    """Return whether there are enough links and the like within the time."""
    cdef uint64_t since = now - waits.reach if now > waits.reach else 0
    cdef Py_ssize_t number
    cdef int mark, column
    cdef long total
    for mark in range(waits.marks):
        column = waits.column[mark]
        if not said[own * SIZE + column]:
            return False
        total = 0
        for number in range(own + 1):
            if said[number * SIZE + column] and stamp_at(said + number * SIZE) >= since:
                total += said[number * SIZE + column]
        if total < waits.limit[mark]:
            return False
    return True


cdef inline uint32_t id_at(const uint8_t *entry) noexcept nogil:
    """Return what stands for the message, its bytes in whatever order."""
    cdef uint32_t found
    memcpy(&found, entry + MESSAGE, 4)
    return found


cdef inline bint is_ignored(const uint8_t *entry, Waits *waits) noexcept nogil:
    return entry[LETTERS + 1] & waits.unlike or entry[LETTERS] < waits.letters


cdef inline bint is_after(const uint8_t *entry, uint64_t now, Waits *waits) noexcept nogil:
    return now < waits.reach or stamp_at(entry) > now - waits.reach


cdef Py_ssize_t added_once(uint32_t *known, Py_ssize_t count, uint32_t value) noexcept nogil:
    """Add a number to those that are known unless it is one of them; return how many they are."""
    cdef Py_ssize_t at
    for at in range(count):
        if known[at] == value:
            return count
    known[count] = value
    return count + 1


cdef dict counted_back(const uint8_t *said, Py_ssize_t own, uint64_t now, Waits *waits):
    """Return what is counted of messages and of those with the same text."""
    cdef const uint8_t *mine = said + own * SIZE
    cdef const uint8_t *one = mine
    cdef uint32_t[MOST] messages
    cdef uint32_t[MOST] copies
    cdef uint32_t[MOST] channels
    cdef Py_ssize_t message = 0, copy = 0, channel = 0, number = own
    while True:
        if number == own or not (is_ignored(one, waits) or one[LETTERS + 1] & FLAG_EDITED):
            message = added_once(messages, message, id_at(one))
            if not memcmp(one + TEXT, mine + TEXT, HASHED):
                copy = added_once(copies, copy, id_at(one))
                channel = added_once(channels, channel, one[CHANNEL] << 8 | one[CHANNEL + 1])
        number -= 1
        one = said + number * SIZE
        if number < 0 or own - number >= MOST or not is_after(one, now, waits):
            return {"messages": message, "same_text": copy, "channels": channel}


cdef long summed(const uint8_t *said, Py_ssize_t own, uint64_t now, Waits *waits, int column) noexcept nogil:
    """Add up what the messages have of something; of a message and its edits the most counts."""
    cdef const uint8_t *one = said + own * SIZE
    cdef uint32_t[MOST] messages
    cdef int[MOST] most
    cdef Py_ssize_t count = 0, looked = 0, number, at
    cdef uint32_t message
    cdef long total = 0
    if not one[column]:
        return 0
    for number in range(own, -1, -1):
        one = said + number * SIZE
        if number < own:
            if not (one[LINKS] or one[MENTIONS]):
                continue
            looked += 1
            if looked >= MOST:
                break
            if not one[column]:
                continue
            if not is_after(one, now, waits):
                break
            if is_ignored(one, waits):
                continue
        message = id_at(one)
        for at in range(count):
            if messages[at] == message:
                if one[column] > most[at]:
                    most[at] = one[column]
                break
        else:
            messages[count], most[count] = message, one[column]
            count += 1
    for at in range(count):
        total += most[at]
    return total


cdef dict done(object asked, const uint8_t *said, Py_ssize_t own, uint64_t now, Waits *waits):
    """Return what the author did themselves; None where that isn't what is asked of them."""
    cdef dict counts
    cdef int mark
    if is_ignored(said + own * SIZE, waits):
        return None
    counts = counted_back(said, own, now, waits) if waits.before else {}
    for mark in range(waits.marks):
        counts[asked.marks[mark]] = summed(said, own, now, waits, waits.column[mark])
    for key, bound in asked.counts:
        if key in counts and not bound.holds(counts[key]):
            return None
    return counts


def sifted(trails_before, said, alarm):
    """Return of each message what its author has done of what is asked of them, as sifting.py has it."""
    cdef list asked = [*alarm.spoken, *alarm.repeated, *alarm.marked]
    cdef Py_ssize_t spoken = len(alarm.spoken), repeated = len(alarm.repeated), count = len(asked)
    cdef Py_ssize_t number, own, first, same
    cdef list found = [], holding
    cdef dict counts
    cdef const uint8_t *raw
    cdef bytes joined
    cdef uint64_t now
    cdef bint holds
    cdef Waits *waits = <Waits *>malloc(max(1, count) * sizeof(Waits))
    if waits == NULL:
        raise MemoryError
    try:
        for number in range(count):
            one = asked[number]
            waits[number].before, waits[number].reach, waits[number].copies = one.before, one.reach, one.copies
            waits[number].unlike, waits[number].letters, waits[number].marks = one.unlike, one.letters, 0
            for key, bound in one.counts:
                if key in SUMMED:
                    waits[number].column[waits[number].marks] = trails.BYTE[SUMMED[key]]
                    waits[number].limit[waits[number].marks] = bound.limit
                    waits[number].marks += 1
        for before, own_entries in zip(trails_before, said, strict=True):
            joined = b"".join([before, *own_entries])
            raw = <const uint8_t *>PyBytes_AS_STRING(joined)
            first = len(before) // SIZE
            for own in range(first, PyBytes_GET_SIZE(joined) // SIZE):
                now = stamp_at(raw + own * SIZE) | PARTITION
                same = -1
                holding = None
                for number in range(count):
                    if number < spoken:
                        holds = are_recent(raw, own, now, waits + number)
                    elif number < spoken + repeated:
                        holds = are_recent(raw, own, now, waits + number)
                        if holds:
                            if same < 0:
                                same = copies_of(raw, own)
                            holds = same >= waits[number].copies
                    else:
                        holds = are_marked_enough(raw, own, now, waits + number)
                    if not holds:
                        continue
                    counts = done(asked[number], raw, own, now, waits + number)
                    if counts is not None:
                        if holding is None:
                            holding = []
                        holding.append((asked[number], counts))
                found.append(() if holding is None else tuple(holding))
    finally:
        free(waits)
    return found

r"""Regular expressions for the clip names of programs in this field, to find the recording.

Only the patterns belong here; the order of the rules is decided in
:mod:`audio_assets.catalog.recordings`. Two rules hold for every pattern. Clips that a program cut
from one recording get one recording, whatever confidence, rank or label precedes its name and
whatever offset or counter follows. And two recordings of one recorder stay separate: a date and
time is never mistaken for an offset.
"""

from __future__ import annotations

# Not preceded by a letter or digit.
_APART = r"(?<![^\W_])"
_LABEL = r"(?:pos|neg|positives?|negatives?|presence|absence|present|absent)"
_CONFIDENCE = r"(?:0\.\d{2,6}|1\.0{2,6})"
# Text that may precede a recording's name without identifying it. A rank differs from the number of
# a recorder by the letter that follows; at worst, two recorders that ran at one time are joined.
_BEFORE = rf"^(?:.*{_APART}(?:{_LABEL}|{_CONFIDENCE})[-_ ]++)?"

_NUMBER = r"\d{1,9}(?:\.\d{1,3})?"
# At most a day: "050000.123" is a time of day with its milliseconds.
_DECIMAL = r"(?<!\d)\d{1,5}\.\d{1,3}"
_UNIT = r"(?:s|secs?|seconds|ms)"
_TIME = rf"(?:\d{{1,2}}h[-_ ]?)?(?:\d{{1,3}}m(?:in)?[-_ ]?)?{_NUMBER}{_UNIT}"
_TO = r"(?:[-_ ]{1,3}|[-_ ]?to[-_ ]?|[-_ ]?end[-_ =]?)"
# Start and end need a unit or a decimal point, since two whole numbers may be anything.
_FROM = r"(?:start[-_ =]?|from[-_ ]?|t[-_ =]?)?"
_TIMES = (
    rf"{_TIME}{_TO}{_TIME}|{_NUMBER}(?:-|_?to_?){_NUMBER}s|{_DECIMAL}{_TO}{_DECIMAL}{_UNIT}?"
    rf"|{_DECIMAL}{_TO}\d{{1,5}}"
)
# In "rec 7_12.5" the 7 is part of the name; after a date only times can follow.
_PAIR = rf"{_FROM}(?:{_TIMES}|(?<!\d)(?<!\d-)\d{{1,5}}(?:-|[-_ ]?to[-_ ]?){_DECIMAL})"
_PAIR_BEHIND_DATE = rf"{_FROM}(?:{_TIMES}|(?<!\d)\d{{1,5}}{_TO}{_DECIMAL})"

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_HOUR, _SIXTY = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_DATE = (
    rf"(?:{_YEAR}[-_.]?{_MONTH}[-_.]?{_DAY}|{_DAY}[-_.]?{_MONTH}[-_.]?{_YEAR}"
    rf"|{_DAY}\.{_MONTH}\.\d\d)"
)
# Atomic, so that backtracking never reads the seconds as an offset.
_MOMENT = (
    rf"(?>(?<!\d)(?:{_DATE}[-_ T.]{{0,3}}(?:{_HOUR}{_SIXTY}(?:{_SIXTY})?(?!\d)"
    rf"|{_HOUR}-{_SIXTY}(?:-{_SIXTY})?(?!\d)|{_HOUR}:{_SIXTY}(?::{_SIXTY})?(?!\d)"
    rf"|{_HOUR}\.{_SIXTY}(?:\.{_SIXTY})?(?!\d)|{_HOUR}_{_SIXTY}_{_SIXTY}(?!\d)"
    rf"|{_HOUR}h{_SIXTY}(?:m(?:{_SIXTY}s?)?)?(?!\d))"
    rf"|\d\d{_MONTH}{_DAY}[-_]{_HOUR}{_SIXTY}{_SIXTY}(?!\d)"
    # The first AudioMoths: seconds since 1970 in hexadecimal digits.
    rf"|{_APART}(?=\d*[A-F])[56][0-9A-F]{{7}}(?![^\W_]))(?:\.\d{{3}}(?!\d))?"
    r"(?:[TZ](?![^\W_])|\+\d\d:?\d\d(?!\d))?)"
)
_WORDS = (
    r"(?:seg(?:ment)?|chunk|part|pt|clip|slice|split|piece|win(?:dow)?|frame|sel(?:ection)?|event"
    r"|evt|det(?:ection)?|call|roi|ann(?:otation)?|snippet|excerpt|cut|sample)s?"
)
# Precedes the recorder's name, which begins with a letter if numbers identify recorders.
_RANK = (
    rf"(?:(?:{_WORDS}|rank|top|no|nr)[-_ .#]?\d{{1,5}}[-_ ]+(?=[^\W\d_]|{_MOMENT})"
    r"|\d{1,5}[-_ ]+(?=[^\W\d_]))?+"
)
# Both are atomic, and no character can match in two ways: otherwise a long name would take years.
_COUNTER = (
    rf"(?>(?:{_TIME}|\d+(?:\.\d+)?(?:{_UNIT}|m|min|h|%|p)?"
    rf"|(?:{_WORDS}|start|end|from|to|offset|conf|score|rank|ch(?:annel)?|no|nr|id|t|s|n)[-_ .=#]?"
    rf"\d+(?:\.\d+)?{_UNIT}?|left|right|[a-z]|copy|{_LABEL})(?![^\W_])[)\]]*)"
)
_GAP = r"(?<![-_ ,(\[#@])(?:[-_ ,(\[#@]|(?<!\d)\.|(?<=\d)\.(?!\d))++"
# Precedes a time. Like a gap, it starts at its first character only, and matches all of them.
_SIGNS = r"(?<![-_ @(\[])[-_ @(\[]++"
_SOUND = r"(?:wave?|flac|mp3|ogg|oga|opus|aiff?|aifc|au|caf|m4a|w64|wma|wv|wac|w4v)"

SEGMENT_NAMES = r"(?:pos|neg)-(?P<recording>.+?)_\d+sec(?:_|$)"
"""For ``coyote-pos-t-11031961_122_9sec_1_a``, the source segment is ``t-11031961_122``."""

CLIP_NAMES: dict[str, str] = {
    SEGMENT_NAMES: "{species}-{label}-{recording}_{seconds}sec",
    # The number of a public collection is sufficient, whatever else is in the name.
    r"(?<![^\W_])(?P<recording>(?:XC|xc)(?!(?:19|20)\d{6}(?!\d))\d{3,8}"
    r"|(?:ML|iNat)(?!(?:19|20)\d{6}(?!\d))\d{5,9})(?!\d)": (
        "number of xeno-canto, the Macaulay Library or iNaturalist"
    ),
    r"(?:^|[-_ ])[1-5]-(?P<recording>\d{3,7})-[A-Z](?:-\d{1,2})?"
    r"(?:[-_ ]*(?:\(\d+\)|aug[a-z]*[-_ ]?\d*|copy))?$": "ESC-50",
    rf"(?:^|[_ ])(?P<recording>(?!{_YEAR}-)\d{{3,7}})-\d-\d{{1,3}}-\d{{1,3}}$": "UrbanSound8K",
    r"^(?:[A-Za-z]+[-_ ])?(?P<recording>\d{3,7})__(?=[^_]*[A-Za-z])": "Freesound",
    # Both record continuously, in files of seconds: an hour of one microphone is the unit.
    rf"(?P<recording>{_YEAR}-{_MONTH}-{_DAY}-birdnet-(?:RTSP_\d+-)?{_HOUR})"
    rf"[-:_.]?{_SIXTY}[-:_.]?{_SIXTY}$": ("BirdNET-Pi, by the hour"),
    rf"_\d{{1,3}}p_(?P<recording>{_YEAR}{_MONTH}{_DAY}T{_HOUR}){_SIXTY}{_SIXTY}Z?": (
        "BirdNET-Go, by the hour"
    ),
    rf"(?P<recording>(?<![^\W_])[0-9A-Za-z]{{8,}}_t{_YEAR}{_MONTH}{_DAY}T{_HOUR})\d{{7}}Z?"
    rf"\.\d{{8}}T\d{{9}}": "Arbimon (RFCx), by the hour",
    rf"(?:^|.*{_APART}){_CONFIDENCE}_\d{{1,5}}_(?P<recording>.+?)"
    rf"(?:_{_NUMBER}s_{_NUMBER}s)?(?: ?\(\d+\))?$": "BirdNET-Analyzer",
    rf"(?i){_BEFORE}(?P<recording>.+?)\.{_SOUND}{_GAP}.*$": "{recording}.wav_{offset}",
    rf"(?i){_BEFORE}{_RANK}(?P<recording>.*?{_MOMENT}.*?){_GAP}{_PAIR_BEHIND_DATE}(?:{_GAP}.*)?$": (
        "date and time, then start and end"
    ),
    # The part before the date identifies the recorder, so that text after the counter is ignored.
    rf"(?i){_BEFORE}{_RANK}(?P<recording>.+?{_MOMENT}(?:[-_ .]+[^\W\d_]{{2,}})*?)"
    rf"{_GAP}{_COUNTER}(?:{_GAP}.*)?$": "recorder, date and time, then an offset or counter",
    # Here the recorder may follow the date.
    rf"(?i){_BEFORE}{_RANK}(?P<recording>{_MOMENT}.*?)(?:{_GAP}{_COUNTER})+$": (
        "date and time, recorder, then an offset or counter"
    ),
    rf"(?i){_BEFORE}(?P<recording>.+?)(?:[-_ ]+{_CONFIDENCE})?{_SIGNS}{_PAIR}[)\]]?"
    rf"(?:{_GAP}{_COUNTER})*$": "{recording}_{start}s_{end}s (birdnetlib, OpenSoundscape)",
    # Not "plot 7_3s" or "night_0_5s": it is unknown whether 7 or 0 is part of the name.
    rf"(?i){_BEFORE}(?P<recording>.*?(?:[^\W\d_]|\d{{5}}|[0-9a-f]{{8}}))"
    rf"{_SIGNS}(?:start|offset|t|at)?[-_ =]?{_TIME}[)\]]?$": "{recording}_{start}s",
    rf"(?i){_BEFORE}(?P<recording>.+?){_SIGNS}(?:start|offset|t|at)?[-_ =]?"
    rf"{_DECIMAL}{_UNIT}[)\]]?$": "{recording}_{start}s, with a decimal point",
    rf"(?i)(?=.*[-_ @]{_DECIMAL}$){_BEFORE}(?P<recording>.*\d{{5}}.*?|.*[0-9a-f]{{8}})"
    rf"[-_ @]+{_DECIMAL}$": "{recording}_{start}",
    rf"(?i)^(?:.*{_APART}{_LABEL}[-_ ]+)?(?:{_WORDS}[-_ .#]?\d+|(?:.*{_APART})?{_CONFIDENCE})[-_ ]+"
    rf"(?P<recording>.*?{_MOMENT}.*)$": "seg{number}_{recording}, {confidence}_{recording}",
    # A name without a digit may be the species', with its clips numbered.
    rf"(?i){_BEFORE}(?P<recording>.*\d\D*?)[-_ .(\[]+{_WORDS}[-_ .#]*\d+[)\]]?"
    rf"(?:{_GAP}{_COUNTER})*$": "{recording}_chunk{number}, seg, part, clip",
}
"""Pattern with a group ``recording`` -> description, in the order in which they are tried."""

DEFAULT_RECORDING_PATTERNS = tuple(CLIP_NAMES)

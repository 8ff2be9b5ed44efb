from cases import file

NOW = 784_111_777_000_000  # Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's example
S = 1_000_000


def hint(name, *headers, delay=..., should_retry=None, suspicious=False, now=NOW):
    """With a delay by hand, the whole answer is by hand."""
    case = {"name": name, "headers": [list(header) for header in headers], "now": now}
    if delay is not ...:
        case["expect"] = {"delay": delay, "should_retry": should_retry, "suspicious": suspicious}
    return case


def after(value, delay=..., name=None, **more):
    return hint(name or f"retry-after {value!r}", ("retry-after", value), delay=delay, **more)


SECONDS = [
    after("120", 120 * S, name="RFC 9110 10.2.3: Retry-After 120 is two minutes"),
    hint("names in any letter case", ("RETRY-After", "5"), delay=5 * S),
    after("0", 0), after("1", S), after("007", 7 * S), after(" 5", 5 * S), after("5\t ", 5 * S), after("100000000", 100_000_000 * S),
    after("1.0", S, name="decimals are accepted, where RFC 9110 has none"), after("0.5", 500_000), after("1.000001", 1_000_001),
    after("1.0000001", 1_000_001, name="a decimal finer than a microsecond is rounded up"), after("0.0000000000000000000000001", 1),
    after("0.000", 0), after("2.50", 2_500_000),
] + [after(value, None, name=f"retry-after {value!r} gives no hint") for value in (
    "", " ", "-1", "+1", "1.", ".5", "1,5", "1 2", "5s", "five", "1e3", "0x10", "\u00b2", "1_000", "NaN", "Infinity", "--", "1.2.3", "5;q=1",
    "\u00a05")]

MILLISECONDS = [
    hint(f"{name} is in milliseconds", (name, "1500"), delay=1_500_000) for name in ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after")
] + [
    hint(f"{name} takes decimals and rounds up", (name, "0.0001"), delay=1) for name in ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after")
] + [
    hint(f"{name} {value!r} is ignored", (name, value), delay=None)
    for name in ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after") for value in ("-5", "soon", "", "1.", "Sun, 06 Nov 1994 08:49:37 GMT")
] + [
    hint("retry-after-ms 0", ("retry-after-ms", "0"), delay=0),
    hint("retry-after-ms with blanks around", ("retry-after-ms", " 7 "), delay=7_000),
    hint("retry-after-ms 1.5 is 1500 us", ("retry-after-ms", "1.5"), delay=1_500),
    hint("retry-after-ms 100000000000 is still a length", ("retry-after-ms", "100000000000"), delay=100_000_000_000_000),
    hint("grpc-retry-pushback-ms", ("grpc-retry-pushback-ms", "250"), delay=250_000),
    hint("grpc-retry-pushback-ms 0", ("grpc-retry-pushback-ms", "0"), delay=0),
    hint("grpc-retry-pushback-ms is never an instant", ("grpc-retry-pushback-ms", "784111777001"), delay=784_111_777_001_000),
]

IMF, RFC850, ASCTIME = "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"
EARLIER = NOW - 90 * S
DATES = [
    after(text, 90 * S, name=f"RFC 9110 5.6.7, {form}: 90 seconds from now", now=EARLIER) for form, text in (("IMF-fixdate", IMF), ("RFC 850", RFC850), ("asctime", ASCTIME))
] + [
    after(text, 0, name=f"RFC 9110 5.6.7, {form}: now is 0", now=NOW) for form, text in (("IMF-fixdate", IMF), ("RFC 850", RFC850), ("asctime", ASCTIME))
] + [
    after("Fri, 31 Dec 1999 23:59:59 GMT", 946_684_799 * S - NOW, name="RFC 9110 10.2.3: the second example"),
    after(IMF, 0, name="a date in the past is 0", now=NOW + 1),
    after(IMF, 1, name="a microsecond before the date", now=NOW - 1),
    after(IMF, None, name="a date without any now gives no hint", now=None),
    after("Thu, 01 Jan 1970 00:00:00 GMT", 0, name="1970", now=0), after("Wed, 31 Dec 1969 23:59:59 GMT", 0, name="before 1970 is 1970", now=0),
    after("Thu, 29 Feb 1996 00:00:00 GMT", name="a leap day"), after("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400 * S - NOW, name="2000 is a leap year"),
    after("Mon, 29 Feb 2100 00:00:00 GMT", None, name="2100 is no leap year"), after("Wed, 29 Feb 1995 00:00:00 GMT", None, name="1995 is no leap year"),
    after("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800 * S - NOW, name="a leap second is the second after"),
    after("Fri, 31 Dec 9999 23:59:59 GMT", 2**53 - 1, name="the last date of four digits saturates"),
    after("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648 * S - NOW, name="after 2^31 seconds"),
    after("Mon, 06 Nov 1994 08:49:37 GMT", 90 * S, name="the day of the week is not compared with the date", now=EARLIER),
    after(" " + IMF + " ", 90 * S, name="blanks around a date", now=EARLIER),
] + [after(value, None, name=f"no date: {value!r}", now=EARLIER) for value in (
    "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000", "sun, 06 nov 1994 08:49:37 gmt", "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun, 06  Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT",
    "Xyz, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Nov 1994 8:49:37 GMT", "06 Nov 1994 08:49:37 GMT")
] + [
    after("Sun Nov 06 08:49:37 1994", 90 * S, name="asctime with a zero before the day", now=EARLIER),
    after("Sun Nov 16 08:49:37 1994", 864_090 * S, name="asctime with two digits of day", now=EARLIER),
]

Y2026 = 1_767_225_600_000_000  # Thu, 01 Jan 2026 00:00:00 GMT
CENTURIES = [
    after("Thursday, 01-Jan-26 00:01:00 GMT", 60 * S, name="RFC 850: this year", now=Y2026),
    after("Wednesday, 01-Jan-76 00:00:00 GMT", 3_345_062_400 * S - Y2026, name="RFC 850: 50 years ahead is this century", now=Y2026),
    after("Saturday, 01-Jan-77 00:00:00 GMT", 0, name="RFC 850: 51 years ahead is the past century", now=Y2026),
    after("Friday, 01-Jan-99 00:00:00 GMT", 0, name="RFC 850: 99 seen in 2026 is 1999", now=Y2026),
    after("Friday, 29-Feb-00 00:00:00 GMT", 951_782_400 * S - 946_684_800 * S, name="RFC 850: 29 February of 00 seen in 2000", now=946_684_800_000_000),
    after("Friday, 29-Feb-77 00:00:00 GMT", None, name="RFC 850: a leap day that the year has not", now=Y2026),
    after("Thursday, 01-Jan-26 00:01:00 GMT", None, name="RFC 850: without now there is no century", now=None),
]

SERVER = [
    hint("a date counts from the response's own date, not from our clock", ("date", IMF), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), delay=30 * S, now=Y2026),
    hint("the response's own date is enough without a clock", ("Date", IMF), ("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"), delay=30 * S, now=None),
    hint("the date header may come after", ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), ("date", IMF), delay=30 * S, now=Y2026),
    hint("an asctime date header", ("date", ASCTIME), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), delay=30 * S, now=None),
    hint("an RFC 850 date header takes its century from our clock", ("date", RFC850), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), delay=30 * S, now=Y2026),
    hint("an RFC 850 date header without our clock is no date", ("date", RFC850), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), delay=None, now=None),
    hint("an RFC 850 hint takes its century from the date header", ("date", IMF), ("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT"), delay=30 * S, now=None),
    hint("a broken date header leaves our clock", ("date", "yesterday"), ("retry-after", IMF), delay=90 * S, now=EARLIER),
    hint("the first date header that is a date", ("date", "yesterday"), ("date", IMF), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), delay=30 * S, now=None),
    hint("seconds do not look at the date header", ("date", IMF), ("retry-after", "5"), delay=5 * S, now=None),
    hint("a date header alone is no hint", ("date", IMF), delay=None),
    hint("a hint before the response's date is 0", ("date", "Sun, 06 Nov 1994 08:50:07 GMT"), ("retry-after", IMF), delay=0, now=0),
]

DOCKER = 1_743_441_608
EPOCH = [
    after(str(DOCKER), 30 * S, name="go-retryablehttp#248: an epoch value is an instant, not 484289 hours", suspicious=True, now=(DOCKER - 30) * S),
    hint("an epoch value counts from the response's own date", ("date", "Mon, 31 Mar 2025 17:19:38 GMT"), ("retry-after", str(DOCKER)), delay=30 * S, suspicious=True, now=None),
    after(str(DOCKER), None, name="an epoch value without any now gives no hint", now=None),
    after(f"{DOCKER}.5", 30_500_000, name="an epoch value with decimals", suspicious=True, now=(DOCKER - 30) * S),
    after("100000001", 0, name="one above 10^8 seconds is an instant", suspicious=True, now=NOW),
    after("100000000.5", 0, name="half above 10^8 seconds is an instant", suspicious=True, now=NOW),
    after("9" * 40, 2**53 - 1, name="forty digits saturate", suspicious=True, now=NOW),
    after("9" * 40, None, name="forty digits without now give no hint", now=None),
    after("0" * 40 + "5", 5 * S, name="forty zeros and a five are five"),
    after("1" + "0" * 400, 2**53 - 1, name="four hundred digits saturate", suspicious=True, now=NOW),
    hint("retry-after-ms above 10^11 is an instant", ("retry-after-ms", str(DOCKER * 1000)), delay=30 * S, suspicious=True, now=(DOCKER - 30) * S),
    hint("retry-after-ms just above 10^11 is an instant in the past", ("retry-after-ms", "100000000000.1"), delay=0, suspicious=True, now=NOW),
    hint("grpc-retry-pushback-ms of forty digits saturates", ("grpc-retry-pushback-ms", "9" * 40), delay=2**53 - 1),
    hint("an epoch value without now leaves the word to the next header", ("retry-after-ms", str(DOCKER * 1000)), ("retry-after", "5"), delay=5 * S, now=None),
]

LIMITS = [
    hint("ratelimit: nothing left for 30 s", ("ratelimit", '"default";r=0;t=30'), delay=30 * S),
    hint("ratelimit: something left is no hint", ("ratelimit", '"default";r=50;t=30'), delay=None),
    hint("ratelimit: the largest t of the exhausted", ("ratelimit", '"a";r=0;t=30, "b";r=0;t=60, "c";r=5;t=90'), delay=60 * S),
    hint("ratelimit: items over two lines", ("ratelimit", '"a";r=0;t=30'), ("ratelimit", '"b";r=0;t=60'), delay=60 * S),
    hint("ratelimit: parameters in any order, blanks, others beside", ("ratelimit", '"a" ; t=30; q=5 ;r=0;pk=:cHsdsRa894==:'), delay=30 * S),
    hint("ratelimit: a name with comma and semicolon inside", ("ratelimit", '"a,b;r=1";r=0;t=30'), delay=30 * S),
    hint("ratelimit: a name with an escaped quote", ("ratelimit", '"a\\"b";r=0;t=30'), delay=30 * S),
    hint("ratelimit: what stands in quotes is no item", ("ratelimit", '"x, y;r=0;t=99, z";r=5;t=30'), delay=None),
    hint("ratelimit: an escaped quote ends nothing", ("ratelimit", '"x\\", y;r=0;t=99, z";r=5;t=30'), delay=None),
    hint("ratelimit: a token as name", ("ratelimit", "default;r=0;t=30"), delay=30 * S),
    hint("ratelimit: without t", ("ratelimit", '"a";r=0'), delay=None),
    hint("ratelimit: without r", ("ratelimit", '"a";t=30'), delay=None),
    hint("ratelimit: r=00 is 0", ("ratelimit", '"a";r=00;t=30'), delay=30 * S),
    hint("ratelimit: negative t", ("ratelimit", '"a";r=0;t=-30'), delay=None),
    hint("ratelimit: t with decimals is no integer", ("ratelimit", '"a";r=0;t=3.5'), delay=None),
    hint("ratelimit: t=0", ("ratelimit", '"a";r=0;t=0'), delay=0),
    hint("ratelimit: a broken item is skipped", ("ratelimit", ';;;, "b";r=0;t=7'), delay=7 * S),
    hint("ratelimit: the last of a repeated parameter counts", ("ratelimit", '"a";r=0;t=30;t=40'), delay=40 * S),
    hint("ratelimit: the older form has no items", ("ratelimit", "limit=100, remaining=0, reset=30"), delay=None),
    hint("ratelimit: empty", ("ratelimit", ""), delay=None),
    hint("ratelimit: retry-after wins", ("ratelimit", '"a";r=0;t=30'), ("retry-after", "5"), delay=5 * S),
    hint("ratelimit: t above 10^8 is an instant", ("ratelimit", f'"a";r=0;t={DOCKER}'), delay=30 * S, suspicious=True, now=(DOCKER - 30) * S),
    hint("x-ratelimit-reset in seconds", ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30"), delay=30 * S),
    hint("x-ratelimit-reset as an instant is nothing suspicious", ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(DOCKER)), delay=30 * S, now=(DOCKER - 30) * S),
    hint("x-ratelimit-reset with something remaining", ("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "30"), delay=None),
    hint("x-ratelimit-reset without remaining", ("x-ratelimit-reset", "30"), delay=None),
    hint("x-ratelimit-reset with remaining unreadable", ("x-ratelimit-remaining", "none"), ("x-ratelimit-reset", "30"), delay=None),
    hint("x-ratelimit-reset with decimals", ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0.25"), delay=250_000),
    hint("x-ratelimit-reset as a date text is no hint", ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", IMF), delay=None, now=EARLIER),
    hint("x-ratelimit-reset as an instant without now", ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(DOCKER)), delay=None, now=None),
]

ORDERED = [("retry-after-ms", "1000"), ("x-ms-retry-after-ms", "2000"), ("x-amz-retry-after", "3000"), ("retry-after", "4"), ("ratelimit", '"a";r=0;t=5'),
           ("x-ratelimit-reset", "6"), ("grpc-retry-pushback-ms", "7000")]
ORDER = [
    hint(f"{ORDERED[i][0]} before all that follow", ("x-ratelimit-remaining", "0"), *reversed(ORDERED[i:]), delay=(i + 1) * S) for i in range(7)
] + [
    hint("a header that does not parse leaves the word to the next", ("retry-after-ms", "soon"), ("retry-after", "4"), delay=4 * S),
    hint("the first of a repeated header that parses", ("retry-after", "soon"), ("retry-after", "4"), ("retry-after", "9"), delay=4 * S),
    hint("no headers", delay=None), hint("no header of ours", ("content-type", "text/plain"), ("x-retry-after", "5"), delay=None),
    hint("an exhausted limit with an unreadable retry-after", ("retry-after", "-1"), ("ratelimit", '"a";r=0;t=5'), delay=5 * S),
]

WORDS = [
    hint(f"{name}: {value!r}", (name, value), delay=None, should_retry=word)
    for name in ("x-should-retry", "stripe-should-retry")
    for value, word in (("true", True), ("false", False), ("True", True), (" FALSE ", False), ("1", None), ("yes", None), ("", None))
] + [
    hint("no beats yes", ("x-should-retry", "true"), ("stripe-should-retry", "false"), delay=None, should_retry=False),
    hint("no beats yes the other way round", ("x-should-retry", "false"), ("stripe-should-retry", "true"), delay=None, should_retry=False),
    hint("a word beside a hint", ("x-should-retry", "true"), ("retry-after", "5"), delay=5 * S, should_retry=True),
    hint("gRPC: a negative pushback is a veto", ("grpc-retry-pushback-ms", "-1"), delay=None, should_retry=False),
    hint("a pushback veto beats a yes", ("grpc-retry-pushback-ms", "-1"), ("x-should-retry", "true"), delay=None, should_retry=False),
    hint("a pushback veto beside a hint", ("grpc-retry-pushback-ms", "-1"), ("retry-after", "5"), delay=5 * S, should_retry=False),
] + [hint(f"gRPC: pushback {value!r} is a veto", ("grpc-retry-pushback-ms", value), delay=None, should_retry=False) for value in ("", "soon", "1.5", "+5", "1e3", "-0")]

RFC = "RFC 9110 5.6.7, 10.2.3"
FILES = [
    file("hint-seconds", "hint", "Retry-After in seconds", RFC, SECONDS),
    file("hint-milliseconds", "hint", "Headers in milliseconds", "SEMANTICS 6.2; Azure, AWS Retry 2.1, gRFC A6", MILLISECONDS),
    file("hint-dates", "hint", "Retry-After as a date, three forms", RFC, DATES),
    file("hint-centuries", "hint", "Two-digit years", RFC, CENTURIES),
    file("hint-server-date", "hint", "The response's own Date is now", "SEMANTICS 6.3", SERVER),
    file("hint-epoch", "hint", "Values too large for a length are instants; digits saturate", "SEMANTICS 6.3; hashicorp/go-retryablehttp#248", EPOCH),
    file("hint-rate-limits", "hint", "RateLimit and X-RateLimit-Reset", "SEMANTICS 6.2; draft-ietf-httpapi-ratelimit-headers at 0669b82", LIMITS),
    file("hint-order", "hint", "Which header wins", "SEMANTICS 6.2", ORDER),
    file("hint-should-retry", "hint", "The server's word on whether to retry", "SEMANTICS 6.2; gRFC A6", WORDS),
]

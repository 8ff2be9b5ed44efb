from cases import file

FREE = {"attempts": 5, "timeout": None, "max_delay": "4s"}


def case(name, policy, other, rate, *lines):
    """`lines` by hand: of the text, each as it is printed."""
    return {"name": name, "policy": policy, "other": other, "options": {"failure_rate": rate}, "lines": list(lines)}


CASES = [
    case("nothing changes", FREE, {"attempts": 5, "timeout": None, "max_delay": "4000ms", "factor": 2.0}, 0.5, "no difference"),
    case("more attempts", FREE, FREE | {"attempts": 10}, 0.5,
         "attempts              5 → 10", "When 50 % of attempts fail:", "success               96.9 % → 99.902 %", "longest total wait    11 s → 31 s"),
    case("shorter waits", FREE, FREE | {"initial": "100ms", "max_delay": "400ms"}, 0.5,
         "initial               1s → 100ms", "max_delay             4s → 400ms", "mean total wait       875 ms → 87.5 ms",
         "+ info  throttle-shares-base  /classes"),
    case("jitter goes", FREE, FREE | {"jitter": "none"}, 0.9, "jitter                full → none", "+ warning  jitter-none  /jitter"),
    case("jitter comes", FREE | {"jitter": "none"}, FREE | {"jitter": {"additive": "1s"}, "max_delay": "5s"}, 0.9,
         'jitter                none → {"additive":"1s"}', "- warning  jitter-none  /jitter"),
    case("what decides nothing about waits", FREE, FREE | {"nested": "allow", "idempotent": True, "hint": "exact"}, 0.5,
         "idempotent            auto → true", 'hint                  {"mode":"floor","max":"2m"} → {"mode":"exact","max":"2m"}'),
    case("rules and classes come", FREE, FREE | {"rules": [{"http": 404, "class": "transient"}], "classes": {"throttle": {"initial": "2s"}}}, 0.5,
         'rules                 none → [{"http":404,"class":"transient"}]', "+ warning  retries-never-class  /rules/0"),
    case("a rule changes", FREE | {"rules": [{"http": 500, "class": "permanent"}]}, FREE | {"rules": [{"http": 502, "class": "permanent"}]}, 0.5,
         'rules                 [{"http":500,"class":"permanent"}] → [{"http":502,"class":"permanent"}]'),
    case("a list changes", {"backoff": ["1s", "2s"], "attempts": 3, "timeout": None}, {"backoff": ["1s", "3s"], "attempts": 3, "timeout": None}, 0.5,
         'backoff               ["1s","2s"] → ["1s","3s"]'),
    case("a budget comes", FREE, FREE | {"budget": {"name": "api"}}, 0.5,
         "outage burst          no limit → 35", "sustained load        1.94 → 1.07", "load in an outage     5 → 1", "- info  budget-missing  /budget"),
    case("a budget shrinks", FREE | {"budget": {"name": "api"}}, FREE | {"budget": {"name": "api", "capacity": 40, "cost": 20}}, 0.5,
         "outage burst          35 → 2", "sustained load        1.07 → 1.05", "+ warning  budget-too-small  /budget/capacity"),
    case("a budget takes another form", FREE | {"budget": {"name": "api"}}, FREE | {"budget": {"name": "api", "mode": "window"}}, 0.5,
         "outage burst          35 → 100", "load in an outage     1 → 1.2"),
    case("a budget that was made elsewhere comes", FREE, FREE | {"budget": "api"}, 0.5,
         "budget                none → api", "outage burst          no limit → not known", "sustained load        1.94 → not known"),
    case("a budget made elsewhere gives way to one of the policy's own", FREE | {"budget": "api"}, FREE | {"budget": {"name": "api", "cost": 0}}, 0.5,
         "outage burst          not known → no limit", "sustained load        not known → 1.94"),
    case("another budget and another breaker, alike but for their names", FREE | {"budget": {"name": "a"}, "breaker": "a"}, FREE | {"budget": {"name": "b"}, "breaker": "b"}, 0.5,
         "breaker               a → b"),
    case("a timeout comes that decides nothing", FREE, FREE | {"timeout": "1m"}, 0.1, "timeout               null → 1m"),
]

FILES = [
    file("diff", "diff", "What changes from one policy to another: options, figures within their errors, findings, and lines of the text.",
         "DESIGN 3, \"Analysis\"", CASES),
]

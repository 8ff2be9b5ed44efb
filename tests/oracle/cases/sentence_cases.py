"""Sentences of refusals: what was given, what is allowed, what to do. The oracle knows codes and places only."""

from cases import file


def says(policy, *told):
    """A policy, and for each problem its code, its place and its sentence."""
    expect = [{"code": code, "pointer": pointer, "text": text} for code, pointer, text in told]
    return {"name": f"{told[0][2]} ({policy})"[:160], "policy": policy, "expect": expect}


SENTENCES = [
    says({'speed': 1}, ("unknown_option", "/speed", 'speed is not an option, allowed undaunted, preset, attempts, timeout, forever, on_timeout, attempt_timeout, backoff, initial, factor, max_delay, first, jitter, hint, classes, rules, idempotent or nested; correct or remove it')),
    says({'retries': 3}, ("unknown_option", "/retries", 'retries is not an option; use attempts, which is retries + 1')),
    says({'deadline': '5s'}, ("unknown_option", "/deadline", 'deadline is not an option; use timeout')),
    says({'classes': {'permanent': {}}}, ("unknown_value", "/classes/permanent", 'classes.permanent is no class with settings, allowed transient, throttle, timeout, connect or conflict; correct or remove it')),
    says({'preset': 'aws2'}, ("unknown_value", "/preset", 'preset is "aws2", allowed standard, interactive, stamina or none; write one of these')),
    says({'undaunted': 2}, ("unsupported_version", "/undaunted", 'undaunted is 2, allowed 1, the version of the policy format; write 1 or use a newer release')),
    says({'attempts': '3'}, ("wrong_kind", "/attempts", 'attempts is "3", allowed a whole number or null; write one of these')),
    says({'attempts': 0}, ("out_of_range", "/attempts", 'attempts is 0, allowed 1 to 4294967295; use 1 to call once without retrying')),
    says({'attempts': 4294967296}, ("out_of_range", "/attempts", 'attempts is 4294967296, allowed 1 to 4294967295; write one in between')),
    says({'timeout': 30}, ("bare_number", "/timeout", 'timeout is 30, allowed a time in us, ms, s, m or h as "30s" or null; write "30s" for seconds, "30ms" for milliseconds')),
    says({'timeout': 'soon'}, ("bad_duration", "/timeout", 'timeout is "soon", allowed a time in us, ms, s, m or h as "30s" or null; write one of these')),
    says({'timeout': False}, ("wrong_kind", "/timeout", 'timeout is false, allowed a time in us, ms, s, m or h as "30s" or null; write one of these')),
    says({'initial': '0.5us'}, ("too_fine", "/initial", 'initial is "0.5us", allowed whole microseconds; round it')),
    says({'initial': '0s'}, ("out_of_range", "/initial", 'initial is "0s", allowed 1us to 87600h; write one in between')),
    says({'max_delay': '87601h'}, ("out_of_range", "/max_delay", 'max_delay is "87601h", allowed 1us to 87600h; write one in between')),
    says({'factor': 1}, ("out_of_range", "/factor", 'factor is 1, allowed 1.000001 to 10; write one in between')),
    says({'factor': 2.1234567}, ("too_fine", "/factor", 'factor is 2.1234567, allowed 6 decimal places; round it')),
    says({'factor': '2'}, ("wrong_kind", "/factor", 'factor is "2", allowed a number; write one of these')),
    says({'forever': 'true'}, ("wrong_kind", "/forever", 'forever is "true", allowed true or false; write one of these')),
    says({'backoff': 'fibonacci'}, ("unknown_value", "/backoff", 'backoff is "fibonacci", allowed exponential, linear, constant or a list of delays; write one of these')),
    says({'backoff': []}, ("empty_list", "/backoff", 'backoff is empty, allowed 1 to 64 delays; write one')),
    says({"backoff": ["1s"] * 65}, ("too_many", "/backoff", 'backoff has more than 64 entries, allowed up to 64; shorten it')),
    says({'jitter': 'half'}, ("unknown_value", "/jitter", 'jitter is "half", allowed none, full, equal, decorrelated or a map; write one of these')),
    says({'jitter': {}}, ("missing_option", "/jitter", 'jitter is empty, allowed proportional or additive; write {"proportional": 0.2}')),
    says({'jitter': {'additive': '1s', 'proportional': 0.5}}, ("duplicate_option", "/jitter/proportional", 'jitter.proportional is the second of its kind, allowed one; remove it')),
    says({'jitter': {'proportional': 0}}, ("jitter_cannot_spread", "/jitter", 'jitter spreads a delay by less than a microsecond, allowed more; raise it or write "none"')),
    says({'jitter': {'additive': '20s'}}, ("jitter_cannot_spread", "/jitter", 'jitter has no room below max_delay 10s; raise max_delay or lower initial or jitter')),
    says({'on_timeout': 'clip'}, ("unknown_value", "/on_timeout", 'on_timeout is "clip", allowed give_up or a map; write one of these')),
    says({'on_timeout': {'clip': {}}}, ("missing_option", "/on_timeout/clip/min_attempt", 'on_timeout.clip.min_attempt is missing, needed in on_timeout; write {"clip": {"min_attempt": "100ms"}}')),
    says({'hint': {'mode': 'window'}}, ("missing_option", "/hint/window", 'hint.window is missing, needed with mode window; write a time as "5s"')),
    says({'hint': {'mode': 'ignore', 'max': '1s'}}, ("meaningless_option", "/hint/max", 'hint.max has no effect with mode window or ignore; remove it or use another mode')),
    says({'hint': {'window': '1s'}}, ("meaningless_option", "/hint/window", 'hint.window has no effect without mode window; remove it or use mode window')),
    says({'hint': {'mode': 'ignore', 'resets': True}}, ("meaningless_option", "/hint/resets", 'hint.resets has no effect with mode ignore; remove it or use another mode')),
    says({'rules': [{}]}, ("rule_without_match", "/rules/0", 'rules.0 matches nothing, allowed a code, body_contains or both; add {"http": 500} or the like'), ("rule_without_effect", "/rules/0", 'rules.0 has no effect, allowed class, sent or both; add {"class": "permanent"} or the like')),
    says({'rules': [{'smtp': 421, 'class': 'permanent'}]}, ("unknown_option", "/rules/0/smtp", 'rules.0.smtp is not an option, allowed http, os, dns, tls, undici, grpc, postgres, mysql, sqlite, redis, mongodb, kafka, aws, user, body_contains, class or sent; correct or remove it')),
    says({'rules': [{'postgres': 40001, 'class': 'conflict'}]}, ("wrong_kind", "/rules/0/postgres", 'rules.0.postgres is 40001, allowed text; write one of these')),
    says({'rules': [{'http': '599-500', 'class': 'permanent'}]}, ("bad_range", "/rules/0/http", 'rules.0.http is "599-500", allowed a whole number or a range as "500-599"; write one of these, the lower number first')),
    says({'rules': [{'os': 2147483648, 'class': 'permanent'}]}, ("out_of_range", "/rules/0/os", 'rules.0.os is 2147483648, allowed -2147483648 to 2147483647; write the code as its system reports it')),
    says({'rules': [{'user': '', 'class': 'permanent'}]}, ("out_of_range", "/rules/0/user", 'rules.0.user is "", allowed one character or more; write or remove it')),
    says({"rules": [{"user": "x" * 2049, "class": "permanent"}]}, ("text_too_long", "/rules/0/user", 'rules.0.user is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…", allowed 2048 bytes in all rules together; shorten it')),
    says({'rules': [{'http': 500, 'os': 5, 'class': 'permanent'}]}, ("duplicate_option", "/rules/0/os", 'rules.0.os is the second of its kind, allowed one; remove it')),
    says({'backoff': ['1s'], 'initial': '1s'}, ("meaningless_option", "/initial", 'initial has no effect with a list as backoff; remove it or change the list')),
    says({'backoff': 'constant', 'factor': 2}, ("meaningless_option", "/factor", 'factor has no effect without backoff exponential; remove it or use backoff exponential')),
    says({'jitter': 'decorrelated', 'factor': 2}, ("meaningless_option", "/factor", 'factor has no effect with jitter decorrelated; remove it or use another jitter')),
    says({'jitter': 'decorrelated', 'backoff': 'linear'}, ("meaningless_option", "/jitter", 'jitter is decorrelated, allowed with backoff exponential; remove backoff or use another jitter')),
    says({'timeout': None, 'on_timeout': {'clip': {'min_attempt': '1s'}}}, ("meaningless_option", "/on_timeout", 'on_timeout has no effect without timeout; remove it or set timeout')),
    says({'forever': True, 'attempts': 3}, ("forever_with_limit", "/attempts", 'attempts is written beside forever: true, which makes it null; remove one of the two')),
    says({'attempts': None, 'timeout': None}, ("unlimited_without_timeout", "/attempts", 'attempts and timeout are null, allowed one of the two; set timeout, or write forever: true if you mean it')),
    says({'timeout': '1s', 'on_timeout': {'clip': {'min_attempt': '1s'}}}, ("min_attempt_too_long", "/on_timeout/clip/min_attempt", 'on_timeout.clip.min_attempt is 1s, allowed below timeout 1s; raise timeout or lower it')),
    says({'max_delay': '5ms', 'initial': '100ms'}, ("max_delay_below_initial", "/max_delay", 'max_delay is 5ms, below initial 100ms; raise max_delay or lower initial')),
    says({'backoff': ['1s', '9s'], 'max_delay': '5s'}, ("element_above_max_delay", "/backoff/1", 'backoff.1 is 9s, above max_delay 5s; raise max_delay or lower it')),
    says({'max_delay': '5s', 'classes': {'connect': {'initial': '6s'}}}, ("class_initial_above_max_delay", "/classes/connect/initial", 'classes.connect.initial is 6s, above max_delay 5s; raise max_delay or lower it')),
    says({'attempts': 3, 'classes': {'connect': {'attempts': 4}}}, ("class_attempts_above_attempts", "/classes/connect/attempts", 'classes.connect.attempts is 4, above attempts 3; raise attempts or lower it')),
    says({'attempts': None, 'factor': 1.000001}, ("factor_too_small", "/factor", 'factor is 1.000001, too small to reach max_delay 10s in 64 retries; raise factor or initial, or lower max_delay or attempts')),
    says({'jitter': 'decorrelated', 'initial': '10s', 'max_delay': '10s'}, ("jitter_cannot_spread", "/jitter", 'jitter has no room below max_delay 10s; raise max_delay or lower initial or jitter')),
    says({'idempotent': 'yes'}, ("unknown_value", "/idempotent", 'idempotent is "yes", allowed auto or true or false; write one of these')),
    says({'nested': None}, ("wrong_kind", "/nested", 'nested is null, allowed warn, once, allow or share; write one of these')),
]

FILES = [file("refusal-sentences", "refusal", "What was given, what is allowed, what to do", "CONTRIBUTING.md, Habits", SENTENCES)]

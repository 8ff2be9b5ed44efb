from cases import file

PUBLISHED = {  # Rosetta Code "Pseudo-random numbers/Splitmix64"; Vigna's splitmix64.c with x = 0
    1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821],
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC, 0x1B39896A51A8749B],
}
TOP = 2**64 - 1
TIMES = 2**53 - 1


def words():
    for seed, outputs in PUBLISHED.items():
        for n, output in enumerate(outputs, 1):
            yield {"name": f"output {n} of the stream seeded with {seed} is the published one", "call_seed": str(seed),
                   "lane": 0, "n": n, "word": str(output)}
    for n in (1, 2, 100, 2**32 - 1, 2**32, 2**53 - 1):
        yield {"name": f"word {n} needs none of the words before it", "call_seed": "81985529216486895", "lane": 0, "n": n}
    for seed in (1, TOP, 2**63, 0x756E6461756E7465):
        for lane in range(5):
            yield {"name": f"lane {lane} of call seed {seed} is its own stream", "call_seed": str(seed), "lane": lane, "n": 1}
    yield {"name": "lane 1 of an even call seed is lane 0 of the odd one", "call_seed": "1234566", "lane": 1, "n": 1,
           "word": str(PUBLISHED[1234567][0])}


def call_seeds():
    for seed in (0, 1, 7, 2**53, 2**63, TOP, 0x756E6461756E7465):
        for call in (1, 2, 1_000_000):
            yield {"name": f"call {call} under seed {seed}", "seed": str(seed), "call": call, "lane": 0, "n": 1}


def uniforms():
    hand = [  # word, x, U(x): all from floor(word * (x + 1) / 2^64)
        (0, 0, 0), (TOP, 0, 0), (0, 1, 0), (2**63 - 1, 1, 0), (2**63, 1, 1), (TOP, 1, 1), (0, TIMES, 0), (TOP, TIMES, TIMES),
        (2**63, 9, 5), (2**62, 3, 1), (2**62 - 1, 3, 0), (3 * 2**62, 3, 3), (TOP, 10_000_000, 10_000_000), (2**63, 9_999_999, 5_000_000),
        (2**63, 2, 1), (2**64 // 3, 2, 0), (2**64 // 3 + 1, 2, 1), (2**32, 2**32 - 1, 1), (2**32 - 1, 2**32 - 1, 0),
        (2**32, 2**32, 1), (2**48, 2**16 - 1, 1), (1, TIMES, 0), (2**11, TIMES, 1), (2**11 - 1, TIMES, 0),
    ]
    for word, x, result in hand:
        yield {"name": f"U({x}) of {word} is {result}", "word": str(word), "x": x, "uniform": result}
    for word in PUBLISHED[1234567]:
        for x in (999_999, 315_360_000_000_000):
            yield {"name": f"U({x}) of the published word {word}", "word": str(word), "x": x}


FILES = [
    file("draws-words", "draw", "Words of a lane, by index", "SplitMix64: prng.di.unimi.it/splitmix64.c; Rosetta Code", list(words())),
    file("draws-call-seeds", "draw", "The seed of a call from a seed and the call's number", "DESIGN 3", list(call_seeds())),
    file("draws-uniform", "draw", "U(x) from a word: the high half of a 128-bit product", "DESIGN 3", list(uniforms())),
]

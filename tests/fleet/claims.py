"""What the programs here say of their claims."""


def judge(name, claims):
    """Says of each whether it holds; the program's exit code."""
    for claim, holds in claims.items():
        print("✓" if holds else "✗", claim)
    print(f"{name}: {sum(claims.values())} of {len(claims)} claims hold")
    return 0 if all(claims.values()) else 1

"""Numbers as names: each number has its own."""

from __future__ import annotations

import random

from jupyter_mlinfra.core.value_names import value_name


def test_a_name_reads_back_as_its_number_and_no_two_have_the_same() -> None:
    chance = random.Random(1)
    numbers = [chance.choice([1, -1]) * 10 ** chance.uniform(-20, 20) for _ in range(2000)]
    numbers += [float(number) for number in range(10_000_000, 10_000_050)]
    numbers += [0.1 + 0.2, 0.3, 2.0**53, 1e300, 5e-324, float("inf")]
    assert [float(value_name(number)) for number in numbers] == numbers
    assert value_name(10_000_001.0) == "10000001"
    assert (value_name(-0.0), value_name(True), value_name(float("nan"))) == ("0", "1", "nan")
    assert value_name(2**70) == str(2**70)


def test_numbers_of_up_to_six_digits_keep_the_names_that_they_had() -> None:
    """Series and references of earlier versions have the names of `%g`."""
    chance = random.Random(2)
    numbers = [float(chance.randint(-999_999, 999_999)) for _ in range(1000)]
    numbers += [float(f"{10 ** chance.uniform(-12, 6):.6g}") for _ in range(1000)]
    assert [value_name(number) for number in numbers] == [f"{number:g}" for number in numbers]

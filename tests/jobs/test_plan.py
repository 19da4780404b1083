"""Which jobs start, in which order, and what the others are told."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.jobs.local.plan import Capacity, Holding, Need, forecast, plan

MACHINE = Capacity(cpus=4, gpus={"GPU-a": 0, "GPU-b": 1}, memory_gib=16)


def need(
    job: str,
    cpus: int = 1,
    gpus: float = 0,
    memory_gib: float = 0,
    *,
    gpu_type: str | None = None,
    seconds: float | None = None,
) -> Need:
    return Need(
        job=job, cpus=cpus, gpus=gpus, memory_gib=memory_gib, gpu_type=gpu_type, seconds=seconds
    )


def held(job: str, *gpu_ids: str, ends_in: float = math.inf, share: int = 100) -> Holding:
    return Holding(job=job, cpus=0, gpu_ids=gpu_ids, ends_in=ends_in, share=share)


def test_jobs_start_in_the_order_of_the_queue_while_there_is_room() -> None:
    decided = plan([need("a", 2), need("b", 2), need("c", 1)], [], MACHINE)
    assert [job for job, _ in decided.starts] == ["a", "b"]
    assert decided.reasons == {"c": "Needs 1 CPU, none is free; held by jobs a, b."}


def test_a_reason_names_what_is_short_how_much_is_free_and_the_holder() -> None:
    decided = plan([need("a", gpus=2)], [Holding(job="7f3a", cpus=1, gpu_ids=("GPU-a",))], MACHINE)
    assert decided.reasons == {"a": "Needs 2 GPUs, 1 is free; GPU 0 is held by job 7f3a."}


def test_a_gpu_that_a_process_outside_the_queue_uses_is_not_given_and_the_process_is_named() -> (
    None
):
    machine = Capacity(cpus=4, gpus=MACHINE.gpus, memory_gib=16, busy={"GPU-b": "python3 (pid 41)"})
    decided = plan([need("a", gpus=1), need("b", gpus=1)], [], machine)
    assert decided.starts == (("a", ("GPU-a",)),)
    assert decided.reasons == {
        "b": "Needs 1 GPU, none is free; GPU 0 is held by job a, GPU 1 is held by python3 (pid 41)."
    }


def test_a_cpu_job_passes_a_gpu_job_that_it_cannot_delay() -> None:
    decided = plan(
        [need("big", gpus=2), need("small")],
        [Holding(job="x", cpus=1, gpu_ids=("GPU-a",))],
        MACHINE,
    )
    assert decided.starts == (("small", ()),)


def test_a_small_gpu_job_does_not_take_the_gpu_that_an_earlier_job_waits_for() -> None:
    decided = plan(
        [need("big", gpus=2), need("small", gpus=1)],
        [Holding(job="x", cpus=1, gpu_ids=("GPU-a",))],
        MACHINE,
    )
    assert decided.starts == ()
    assert decided.reasons["small"] == "Waits behind job big, which is before it in the queue."


def test_a_job_that_can_never_start_holds_nobody_up_and_says_so() -> None:
    decided = plan([need("huge", gpus=3), need("next", gpus=2)], [], MACHINE)
    assert decided.starts == (("next", ("GPU-a", "GPU-b")),)
    assert decided.reasons == {"huge": "Needs 3 GPUs, this machine has 2: it cannot start here."}


def test_a_job_without_a_slot_starts_when_everything_is_held_and_others_wait() -> None:
    # More than there is: slots were taken away while it ran.
    held = [Holding(job="x", cpus=5, gpu_ids=tuple(MACHINE.gpus), memory_gib=20)]
    decided = plan([need("first"), need("waits", cpus=0)], held, MACHINE)
    assert decided.starts == (("waits", ()),)
    assert set(decided.reasons) == {"first"}


def test_memory_is_a_slot_too() -> None:
    decided = plan(
        [need("a", memory_gib=8)], [Holding(job="x", cpus=1, gpu_ids=(), memory_gib=12)], MACHINE
    )
    assert decided.reasons == {"a": "Needs 8 GiB of memory, 4 of 16 are free; held by job x."}


def test_parts_of_a_gpu_share_one_so_that_the_other_stays_whole() -> None:
    decided = plan(
        [need("a", 0, 0.5), need("b", 0, 0.3), need("c", 0, 0.3), need("d", 0, 1)], [], MACHINE
    )
    assert dict(decided.starts) == {"a": ("GPU-a",), "b": ("GPU-a",), "c": ("GPU-b",)}
    assert decided.reasons == {
        "d": "Needs 1 GPU, none is free; GPU 0 is held by job a, b, GPU 1 is held by job c."
    }


def test_a_part_that_no_gpu_has_left_waits() -> None:
    decided = plan(
        [need("a", 0, 0.5)], [held("x", "GPU-a", share=60), held("y", "GPU-b", share=60)], MACHINE
    )
    assert decided.reasons == {
        "a": "Needs 0.5 GPU, none is free; GPU 0 is held by job x, GPU 1 is held by job y."
    }


def test_a_type_of_gpu_is_a_word_of_its_name() -> None:
    machine = Capacity(
        cpus=4,
        gpus=MACHINE.gpus,
        memory_gib=16,
        types={"GPU-a": "NVIDIA T4", "GPU-b": "NVIDIA A100-SXM4-80GB"},
    )
    decided = plan(
        [
            need("a", gpus=1, gpu_type="a100"),
            need("b", gpus=1, gpu_type="a100"),
            need("c", gpus=1, gpu_type="H100"),
        ],
        [],
        machine,
    )
    assert decided.starts == (("a", ("GPU-b",)),)
    assert decided.reasons == {
        "b": "Needs 1 a100 GPU, none is free; GPU 1 is held by job a.",
        "c": "Needs 1 H100 GPU, this machine has 0: it cannot start here.",
    }


def test_a_job_that_ends_before_the_reservation_of_an_earlier_one_runs_on_what_is_set_aside() -> (
    None
):
    running = [held("x", "GPU-a", ends_in=600)]
    decided = plan(
        [need("big", 0, 2), need("short", 0, 1, seconds=600), need("long", 0, 1, seconds=601)],
        running,
        MACHINE,
    )
    assert decided.starts == (("short", ("GPU-b",)),)
    assert "long" in decided.reasons


def test_nothing_is_lent_while_it_is_not_known_when_the_earlier_job_can_start() -> None:
    decided = plan(
        [need("big", 0, 2), need("short", 0, 1, seconds=1)], [held("x", "GPU-a")], MACHINE
    )
    assert decided.starts == ()


def test_a_start_is_foretold_from_what_runs_and_what_is_before() -> None:
    running, queue = (
        [held("x", "GPU-a"), held("y", "GPU-b")],
        [need("a", 0, 1), need("b", 0, 2), need("c", 0, 1)],
    )
    took = {"x": 100.0, "y": 40.0, "a": 500.0, "b": 10.0}
    assert forecast(queue, running, MACHINE, took) == {"a": 40, "b": 540, "c": 550}
    assert forecast(queue, running, MACHINE, {"y": 40.0}) == {"a": 40}  # nobody knows when x ends


jobs_with_limits = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=8
)


def play(queue: Sequence[Need], running: Sequence[Holding], *, lend: bool) -> dict[str, float]:
    """When each job starts if every job runs to its limit: an own simulation, with or without what
    `plan` lends.
    """
    waiting, live, clock, starts = (
        list(queue),
        [(holding, holding.ends_in) for holding in running],
        0.0,
        dict[str, float](),
    )
    while waiting:
        left = [
            Holding(
                job=item.job,
                cpus=item.cpus,
                gpu_ids=item.gpu_ids,
                share=item.share,
                ends_in=end - clock,
            )
            for item, end in live
        ]
        asked = (
            waiting
            if lend
            else [Need(job=item.job, cpus=item.cpus, gpus=item.gpus) for item in waiting]
        )
        begun = dict(plan(asked, left, MACHINE).starts)
        for item in [item for item in waiting if item.job in begun]:
            starts[item.job] = clock
            live.append(
                (
                    Holding(
                        job=item.job, cpus=item.cpus, gpu_ids=begun[item.job], share=item.share
                    ),
                    clock + (item.seconds or 0),
                )
            )
        waiting = [item for item in waiting if item.job not in begun]
        clock = min(end for _, end in live)
        live = [(item, end) for item, end in live if end > clock]
    return starts


@settings(max_examples=examples(100))
@given(queue=jobs_with_limits, running=st.lists(st.integers(1, 9), max_size=2))
def test_what_is_lent_delays_no_job_that_was_first_in_the_queue(
    queue: list[tuple[int, int, int]], running: list[int]
) -> None:
    holdings = [
        held(f"r{place}", gpu, ends_in=float(end))
        for place, (gpu, end) in enumerate(zip(MACHINE.gpus, running, strict=False))
    ]
    needs = [
        need(f"w{place}", cpus, gpus, seconds=float(limit))
        for place, (cpus, gpus, limit) in enumerate(queue)
    ]
    lent, plain = play(needs, holdings, lend=True), play(needs, holdings, lend=False)
    # The head of those that wait.
    first = next((item.job for item in needs if plain[item.job] > 0), None)
    assert first is None or lent[first] <= plain[first]


needs = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from([0.0, 4.0, 20.0])), max_size=12
)


@given(waiting=needs, running=st.lists(st.tuples(st.integers(1, 2), st.booleans()), max_size=2))
def test_no_slot_is_given_twice_and_everyone_else_gets_a_reason(
    waiting: list[tuple[int, int, float]], running: list[tuple[int, bool]]
) -> None:
    ids = iter(MACHINE.gpus)
    holdings = [
        Holding(job=f"r{n}", cpus=cpus, gpu_ids=(next(ids),) if gpu else ())
        for n, (cpus, gpu) in enumerate(running)
    ]
    queue = [need(f"w{n}", *want) for n, want in enumerate(waiting)]
    decided = plan(queue, holdings, MACHINE)
    started = dict(decided.starts)
    by_name = {item.job: item for item in queue}
    given_gpus = [gpu for holding in holdings for gpu in holding.gpu_ids] + [
        gpu for gpus in started.values() for gpu in gpus
    ]
    assert len(given_gpus) == len(set(given_gpus))
    assert set(given_gpus) <= set(MACHINE.gpus)
    assert all(len(started[job]) == by_name[job].gpus for job in started)
    assert (
        sum(by_name[job].cpus for job in started) + sum(holding.cpus for holding in holdings)
        <= MACHINE.cpus
    )
    assert sum(by_name[job].memory_gib for job in started) <= MACHINE.memory_gib
    assert set(decided.reasons) == set(by_name) - set(started)
    assert all(reason.endswith(".") for reason in decided.reasons.values())


@given(waiting=needs)
def test_taking_a_later_job_away_never_changes_what_an_earlier_one_gets(
    waiting: list[tuple[int, int, float]],
) -> None:
    queue = [need(f"w{n}", *want) for n, want in enumerate(waiting)]
    whole = dict(plan(queue, [], MACHINE).starts)
    for length in range(len(queue)):
        part = dict(plan(queue[:length], [], MACHINE).starts)
        assert part == {
            job: gpus for job, gpus in whole.items() if job in {item.job for item in queue[:length]}
        }

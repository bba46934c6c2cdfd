"""Running generations: what the page sees of them, and that stopping one is told exactly once."""

from __future__ import annotations

import threading

from history_ui.jobs import Job, Jobs


def test_a_job_is_shown_from_its_start_to_its_end() -> None:
    jobs = Jobs()
    job = jobs.start("Glass bell, brighter", total=4)
    [shown] = jobs.to_list()
    assert shown["title"] == "Glass bell, brighter"
    assert (shown["done"], shown["total"], shown["progress"]) == (0, 4, 0.0)
    jobs.finish(job)
    assert jobs.to_list() == []


def test_progress_counts_finished_takes_and_the_running_one() -> None:
    job = Job("job-1", "Choir", total=4)
    job.report(0.5, "rendering")
    assert job.to_dict()["progress"] == 0.125
    job.finish_one()
    job.finish_one()
    assert job.to_dict()["progress"] == 0.5
    assert job.to_dict()["text"] == ""


def test_progress_of_a_single_take_is_unknown_until_it_is_reported() -> None:
    job = Job("job-1", "Choir")
    assert job.to_dict()["progress"] is None
    job.report(None, "loading the model")
    assert (job.to_dict()["progress"], job.to_dict()["text"]) == (None, "loading the model")
    job.report(7.0)
    assert job.to_dict()["progress"] == 1.0


def test_a_stopped_job_is_hidden_at_once_though_its_thread_still_runs() -> None:
    jobs = Jobs()
    job = jobs.start("Choir")
    told = []
    job.when_stopped(lambda: told.append("stopped"))
    assert jobs.stop(job.id)
    assert jobs.to_list() == []
    assert not job.finished
    assert jobs.stop(job.id)
    assert told == ["stopped"]


def test_what_cannot_be_stopped_says_so() -> None:
    jobs = Jobs()
    job = jobs.start("Choir", stoppable=False)
    assert not jobs.stop(job.id)
    assert jobs.to_list()[0]["stoppable"] is False
    assert not jobs.stop("job-99")


def test_stopping_all_waits_for_threads_that_end() -> None:
    jobs = Jobs()
    job = jobs.start("Choir")
    threading.Thread(target=lambda: (job._stop.wait(5), jobs.finish(job)), daemon=True).start()
    assert jobs.stop_all(timeout_s=5)
    stuck = jobs.start("Bells")
    assert not jobs.stop_all(timeout_s=0.05)
    jobs.finish(stuck)

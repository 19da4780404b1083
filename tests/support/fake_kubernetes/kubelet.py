"""Runs the containers of pods as processes of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from .objects import INDEX, expand, stamp

MARK = "FAKE_POD_UID"


class CannotMake(Exception):
    """A container cannot be made: reason and message."""


@dataclass
class Kubelet:
    """image: the environment that the image brings. secrets: by name, then key. processes, ends: of
    pods by uid.
    """

    folder: Path
    image: Mapping[str, str]
    secrets: dict[str, dict[str, str]]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    killed: dict[str, str] = field(default_factory=dict)

    def log(self, pod: Mapping[str, Any]) -> Path:
        """What the container printed."""
        return self.folder / f"{pod['metadata']['uid']}.log"

    def see_to(self, pod: dict[str, Any]) -> None:
        """One pod of this node: start it, look at it, end it when it was told to."""
        uid, ending = pod["metadata"]["uid"], "deletionTimestamp" in pod["metadata"]
        if pod["status"]["phase"] == "Pending":
            if ending:
                pod["status"]["phase"] = "Failed"
            else:
                self._start(pod)
            return
        process = self.processes[uid]
        code = process.poll()
        if code is not None:
            self._over(pod, code)
            return
        deadline = pod["spec"].get("activeDeadlineSeconds")
        if deadline and time.monotonic() - self.began[uid] > deadline:
            pod["status"] |= {
                "reason": "DeadlineExceeded",
                "message": "Pod was active on the node longer than the specified deadline",
            }
            ending = True
        if ending and uid not in self.told:
            self.told[uid] = time.monotonic()
            process.send_signal(signal.SIGTERM)  # the first process of the container alone
        elif uid in self.told and time.monotonic() - self.told[uid] > pod["spec"].get(
            "terminationGracePeriodSeconds", 30
        ):
            self.kill(uid)

    def kill(self, uid: str, why: str = "") -> None:
        """SIGKILL for everything in the container."""
        if why:
            self.killed[uid] = why
        if (process := self.processes.get(uid)) is not None and process.poll() is None:
            process.kill()
        for found in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if found.environ().get(MARK) == uid:
                    found.kill()

    def _start(self, pod: dict[str, Any]) -> None:
        container, uid = pod["spec"]["containers"][0], pod["metadata"]["uid"]
        try:
            if container["image"].startswith("missing"):
                raise CannotMake(
                    "ImagePullBackOff", f'Back-off pulling image "{container["image"]}"'
                )
            words = self._environment(pod)
            command = [
                expand(word, words) for word in (*container["command"], *container.get("args", ()))
            ]
            with open(self.log(pod), "wb") as log:
                self.processes[uid] = subprocess.Popen(
                    command,
                    env={**words, MARK: uid},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except CannotMake as error:
            reason, message = error.args
            pod["status"]["containerStatuses"] = [
                {
                    "name": container["name"],
                    "state": {"waiting": {"reason": reason, "message": message}},
                }
            ]
            return
        self.began[uid] = time.monotonic()
        pod["status"] |= {
            "phase": "Running",
            "startTime": stamp(),
            "containerStatuses": [
                {"name": container["name"], "state": {"running": {"startedAt": stamp()}}}
            ],
        }

    def _environment(self, pod: Mapping[str, Any]) -> dict[str, str]:
        words = {
            **self.image,
            "HOSTNAME": pod["metadata"]["name"],
            "NVIDIA_VISIBLE_DEVICES": pod["metadata"].get("fakeGpus") or "void",
        }
        words["JOB_COMPLETION_INDEX"] = pod["metadata"]["annotations"][INDEX]
        for variable in pod["spec"]["containers"][0].get("env") or ():
            source = variable.get("valueFrom") or {}
            if "secretKeyRef" in source:
                name, key = source["secretKeyRef"]["name"], source["secretKeyRef"]["key"]
                if key not in self.secrets.get(name, {}):
                    raise CannotMake(
                        "CreateContainerConfigError",
                        f"couldn't find key {key} in Secret {pod['metadata']['namespace']}/{name}",
                    )
                words[variable["name"]] = self.secrets[name][key]
            elif "fieldRef" in source:
                words[variable["name"]] = {
                    "spec.nodeName": pod["spec"]["nodeName"],
                    "metadata.name": pod["metadata"]["name"],
                }[source["fieldRef"]["fieldPath"]]
            else:
                words[variable["name"]] = expand(variable.get("value", ""), words)
        return words

    def _over(self, pod: dict[str, Any], code: int) -> None:
        uid = pod["metadata"]["uid"]
        self.kill(uid)  # with its first process all of a container ends
        number = code if code >= 0 else 128 - code
        reason = self.killed.get(uid) or ("Completed" if number == 0 else "Error")
        state = {"terminated": {"exitCode": number, "reason": reason, "finishedAt": stamp()}}
        if (
            number
            and pod["spec"]["containers"][0].get("terminationMessagePolicy")
            == "FallbackToLogsOnError"
        ):
            state["terminated"]["message"] = self.log(pod).read_text()[-2048:]
        phase = "Succeeded" if number == 0 and "reason" not in pod["status"] else "Failed"
        pod["status"] |= {
            "phase": phase,
            "containerStatuses": [{"name": pod["spec"]["containers"][0]["name"], "state": state}],
        }

    def close(self) -> None:
        """End everything."""
        for uid in list(self.processes):
            self.kill(uid)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)


def image_environment(repository: Path) -> dict[str, str]:
    """What an image with this package would bring: of ours only what finds programs and the
    package.
    """
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(repository), "LANG": "C.UTF-8"}

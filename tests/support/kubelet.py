"""What a kubelet does with the volumes of a pod, in a folder that stands for the root of its file system."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Pod"]

_ROOT = Path(__file__).resolve().parents[2]


class Pod:
    """A pod of a Deployment whose Secrets and ConfigMaps are there; every path is below `root`."""

    def __init__(self, children: Sequence[Mapping[str, Any]], *, secrets: Mapping[str, Mapping[str, bytes]], root: Path) -> None:
        (deployment,) = [one for one in children if one["kind"] == "Deployment"]
        self.spec = deployment["spec"]["template"]["spec"]
        self.root = root
        self._secrets = {name: dict(data) for name, data in secrets.items()}
        self._config_maps: dict[str, dict[str, bytes]] = {}
        for one in children:
            if one["kind"] == "ConfigMap":
                self._config_maps[one["metadata"]["name"]] = {key: text.encode() for key, text in one["data"].items()}
            if one["kind"] == "Secret":
                data = {key: base64.b64decode(text) for key, text in one["data"].items()}
                self._secrets[one["metadata"]["name"]] = data
        for container in [*self.spec.get("initContainers", []), *self.spec["containers"]]:
            for mount in container["volumeMounts"]:
                self._mount(mount)

    def run_init(self, number: int = 0) -> subprocess.CompletedProcess[str]:
        """Run an init container's command as a process of this machine."""
        container = self.spec["initContainers"][number]
        assert container["command"] == ["supplychain"]
        words = [self._word(one.replace("$$", "$")) for one in container["args"]]
        command = [sys.executable, "-m", "supplychain", *words]
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=self.root)

    def below(self, path: str) -> Path:
        """Where an absolute path of the pod is."""
        return self.root / path.lstrip("/")

    def _word(self, word: str) -> str:
        if word.startswith("{"):
            order = json.loads(word)
            return json.dumps({**order, **{key: str(self.below(order[key])) for key in ("source", "target")}})
        return str(self.below(word)) if word.startswith("/") else word

    def _mount(self, mount: Mapping[str, Any]) -> None:
        (volume,) = [one for one in self.spec["volumes"] if one["name"] == mount["name"]]
        place = self.below(mount["mountPath"])
        files = self._files(volume)
        if "subPath" in mount:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(files[mount["subPath"]])
            return
        place.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def _files(self, volume: Mapping[str, Any]) -> dict[str, bytes]:
        if "configMap" in volume:
            source = volume["configMap"]
            return _picked(self._config_maps[source["name"]], source.get("items"))
        if "secret" in volume:
            return self._secrets[volume["secret"]["secretName"]]
        if "projected" in volume:
            found: dict[str, bytes] = {}
            for source in volume["projected"]["sources"]:
                found |= _picked(self._secrets[source["secret"]["name"]], source["secret"].get("items"))
            return found
        return {}


def _picked(data: Mapping[str, bytes], items: Sequence[Mapping[str, str]] | None) -> dict[str, bytes]:
    return dict(data) if items is None else {one["path"]: data[one["key"]] for one in items}

"""Make our heads known to the Auto classes of transformers, without importing transformers for it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType


def register_config() -> None:
    """Register the configurations with `AutoConfig`; a second call changes nothing."""
    from transformers import AutoConfig

    from tunesmith.models.patterned import PatternedConfig
    from tunesmith.models.pooled import PooledConfig

    for config in (PooledConfig, PatternedConfig):
        AutoConfig.register(config.model_type, config, exist_ok=True)


def register() -> None:
    """Register configurations and models with the Auto classes; a second call changes nothing."""
    from transformers import AutoModelForSequenceClassification

    from tunesmith.models.heads import PooledForSequenceClassification
    from tunesmith.models.maskhead import PatternedForSequenceClassification

    register_config()
    for model in (PooledForSequenceClassification, PatternedForSequenceClassification):
        AutoModelForSequenceClassification.register(model.config_class, model, exist_ok=True)


ON_IMPORT: dict[str, Callable[[], None]] = {
    "transformers.models.auto.configuration_auto": register_config,
    "transformers.models.auto.modeling_auto": register,
}
"""Module of transformers → what to do once it is there."""


def hook() -> None:
    """Register with what is loaded of the Auto classes, and with the rest as soon as it is."""
    for module, action in ON_IMPORT.items():
        if module in sys.modules:
            action()
        else:
            sys.meta_path.insert(0, _AfterImport(module, action))


class _AfterImport(importlib.abc.MetaPathFinder):
    """Stands before the other finders until `module` is imported, then steps aside."""

    def __init__(self, module: str, action: Callable[[], None]) -> None:
        self.module, self.action = module, action

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenDo(spec.loader, self.action)
        return spec


class _ThenDo(importlib.abc.Loader):
    """Loads as `loader` does, then acts."""

    def __init__(self, loader: importlib.abc.Loader, action: Callable[[], None]) -> None:
        self.loader, self.action = loader, action

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.action()

"""Multi-sample dropout: the head judges many thinned versions of one vector."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import dropout

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.strategy import Stage, Strategy
from tunesmith.engine.units import by_unit
from tunesmith.models.heads import final_linear


class MultiSampleDropout(Strategy):
    """Take the mean loss of the head over several dropouts of the vector that the body gave.

    With h the vector of a row or word before the dropout that stands in front of the last linear layer:

        ℓ = 1/K · Σ_k ℓ(W d_k(h) + b, y),  d_k the k-th of K dropouts

    The body is run once; only the last layer sees K versions. A head whose last layer has no dropout in front of it
    gets one here.

    Use it when rows are few and the head learns them by heart. Prefer `rdrop` when time does not matter: it lets the
    whole body waver.

    Cost: K products with the last matrix, which is little beside the body.

    Source: Inoue 2019, Multi-Sample Dropout for Accelerated Training and Better Generalization.
    """

    stage: ClassVar[Stage] = "pass"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "regression", "token_classification",
    )  # fmt: skip

    samples: Annotated[int, Field(ge=2)] = 8
    """K, the number of dropouts."""
    dropout: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Share of the numbers of the vector that each sets to zero."""

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace each row's loss by the mean over the dropouts."""
        layer = final_linear(model)
        drops = [module for module in model.modules() if isinstance(module, nn.Dropout)]

        def wrapped(batch: Batch) -> Loss:
            before: list[Tensor] = []
            thinned: list[tuple[Tensor, Tensor]] = []

            def thin(module: nn.Module, inputs: Any, output: Tensor) -> None:
                thinned[:] = [(inputs[0], output)]

            def see(module: nn.Module, inputs: Any) -> None:
                if not before:  # passes after the first are those of other strategies
                    whole = thinned and thinned[0][1] is inputs[0]
                    before.append(thinned[0][0] if whole else inputs[0])

            hooks = [module.register_forward_hook(thin) for module in drops]
            hooks.append(layer.register_forward_pre_hook(see))
            try:
                loss = objective(batch)
            finally:
                for hook in hooks:
                    hook.remove()
            assert loss.of is not None, "the loss of other outputs is needed"
            vectors = before[0].to(layer.weight.dtype)  # of half precision where the body is
            values = [
                loss.of(by_unit(layer(dropout(vectors, self.dropout)), batch), batch) for _ in range(self.samples)
            ]
            # What others have added to the loss of a row stays.
            loss.values = loss.values - loss.of(loss.outputs, batch) + sum(values) / self.samples
            return loss

        return wrapped

"""A ranker in the shadow: it scores answers that were sent, and nobody sees its order.

A ranker that is published as `shadow` gets the features of real requests before any shopper does.
Its scores are logged beside those of the ranker that was shown; `aisle models shadow` compares.
"""

import logging

import msgspec

from feature_repo.events.contract import ServedEvent
from serving.flow.request_state import RequestState
from serving.ranking import Slate, score_by_ranker
from serving.recording import is_recorded
from serving.state import DEFAULT_MODEL
from training.artifacts import SHADOW_MODEL

_logger = logging.getLogger(__name__)


def with_shadow(served: ServedEvent, request: RequestState, slate: Slate) -> ServedEvent:
    """Add the scores of the shadow to the log's event of an answer that the default ranker scored.

    A shadow that fails is logged, and costs no answer its event.
    """
    resources, context = request.resources, request.context
    shadow = resources.models.get(SHADOW_MODEL)
    is_default = request.model.name == DEFAULT_MODEL and slate.scored.matrix is not None
    is_default = is_default and slate.other_version is None
    if shadow is None or shadow.ranker is None or context is None or not is_default:
        return served
    if not is_recorded(f"shadow {request.query.request_id}", resources.settings.shadow_share):
        return served
    try:
        scores = score_by_ranker(shadow.ranker, context, resources.shop).scores
    except Exception:
        _logger.exception("the shadow cannot score an answer")
        return served
    return msgspec.structs.replace(
        served,
        shadow_version=shadow.ranker.version,
        shadow_scores=tuple(scores[list(slate.order)].tolist()),
    )

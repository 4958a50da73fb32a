"""What aid_distribution does when something has happened elsewhere."""

from services.aid_distribution.businesses import handlers as businesses
from services.aid_distribution.businesses import needs, restricted
from services.aid_distribution.distributions import evidence
from services.aid_distribution.kits import trainings
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
    SurveyAnswered,
    TrainingAnnounced,
    TrainingCancelled,
    TrainingMoved,
)
from shared.reaction import on, on_run

REACTIONS = (
    on_run(BusinessRegistered, businesses.learn),
    on_run(BusinessChanged, businesses.learn),
    on_run(BusinessClosed, businesses.forget),
    on_run(BusinessMerged, businesses.forget),
    on(PersonRestricted, restricted.restrict),
    on(PersonReleased, restricted.release),
    on(PersonErased, restricted.release),
    on_run(SurveyAnswered, needs.learn),
    on(PersonErased, needs.forget),
    on(PersonErased, evidence.forget),
    on(TrainingAnnounced, trainings.ask),
    on(TrainingCancelled, trainings.cancel),
    on(TrainingMoved, trainings.move),
)

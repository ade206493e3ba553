"""What a conversation has been about so far: the things mentioned and how present each still is.

Salience is summed over mentions, by who spoke, where in the turn and how it was named, and fades from
question to question (after Lappin and Leass 1994, "An Algorithm for Pronominal Anaphora Resolution",
without its parser).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from rag.language.english import Gender
from rag.queries.noun_phrases import Mention, Nature
from rag.schema import Role

_FITS: dict[Nature, dict[Gender, float]] = {
    "male": {"he": 1.0, "they": 0.25},
    "female": {"she": 1.0, "they": 0.25},
    "person": {"he": 0.9, "she": 0.9, "they": 0.4},
    "group": {"it": 0.7, "they": 0.9},
    "place": {"it": 0.5, "they": 0.6},
    "many": {"they": 1.0},
    "thing": {"it": 1.0, "they": 0.1},
    "unknown": {"he": 0.65, "she": 0.65, "it": 0.65, "they": 0.65},
}
_LOOSE = 0.25
"""How well "they" fits one person."""
_BODY = 0.6
"""A committee is rather not "they" where the plural of something else was mentioned."""
_PEOPLE = frozenset[Nature]({"male", "female", "person"})
_SETTLED: dict[Gender, Nature] = {"he": "male", "she": "female", "it": "thing", "they": "group"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How present a mention is, and how much is added; chosen on one half of CANARD (`eval/LOG.md`)."""

    fading: float = 0.75
    """What is left of salience one question later."""
    answer: float = 0.5
    """A mention by the assistant, against 1 for one by the user."""
    asked: float = 1.3
    """A name that answers a question for a person."""
    news: float = 2.0
    """What answers a question for a thing, against 1 for another mention."""
    later: float = 0.6
    """A mention that is not the first of its turn, against 1."""
    phrase: float = 0.6
    """A noun phrase, against 1 for a name."""
    topic_fading: float = 0.95
    """As `fading`, for what the whole conversation is about."""
    topic_answer: float = 0.2
    """As `answer`, in addition to it, for what the whole conversation is about."""
    describing: bool = True
    """Whether a question with "the band" and no name is given the topic."""
    lacking: bool = True
    """Whether a short question without any noun of its own is given the topic."""
    beside: bool = True
    """Whether a question is given the topic where its pronouns stand for things without a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Something that was mentioned, by its fullest name so far."""

    mention: Mention
    nature: Nature
    salience: float
    """How present it is; above 0."""
    weight: float
    """How much the whole conversation is about it."""
    turn: int
    """Number of the turn it was last mentioned in."""
    by_user: bool
    """Whether the user mentioned it first."""


def fits(nature: Nature, gender: Gender) -> float:
    """Return how well a pronoun of this class would stand for something of this nature, 0..1."""
    return _FITS[nature].get(gender, 0.0)


class Discourse:
    """The entities of a conversation, updated turn by turn."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._turn = 0
        self._entities: list[Entity] = []

    def __bool__(self) -> bool:
        """Whether anything was mentioned."""
        return bool(self._entities)

    def copy(self) -> Discourse:
        """Return another with the same entities."""
        other = Discourse(self._tuning)
        other._turn, other._entities = self._turn, self._entities.copy()
        return other

    def fade(self) -> None:
        """Begin a new question: everything said before is a little further away."""
        self._entities = [
            replace(
                entity,
                salience=entity.salience * self._tuning.fading,
                weight=entity.weight * self._tuning.topic_fading,
            )
            for entity in self._entities
        ]

    def hear(
        self, mentions: Sequence[Mention], role: Role, *, answering: Mention | None = None
    ) -> None:
        """Take in the mentions of one turn.

        Args:
            mentions: in order.
            role: who spoke.
            answering: the one of them that answers the question before, if it is known.
        """
        self._turn += 1
        for number, mention in enumerate(mentions):
            salience = self._salience(mention, role, first=number == 0)
            weight = salience if role == "user" else salience * self._tuning.topic_answer
            if mention is not answering:
                self._add(mention, role, salience, weight)
            elif mention.kind == "name" and mention.nature in _PEOPLE | {"many"}:
                self._add(mention, role, self._tuning.asked, self._tuning.asked)
            else:
                self._add(mention, role, salience * self._tuning.news, weight * self._tuning.news)

    def hear_pronoun(self, gender: Gender) -> None:
        """Count a pronoun in an answer as a mention of what it most likely stands for."""
        entity = self.antecedent(gender)
        if entity is not None and fits(entity.nature, gender) > _LOOSE:
            salience = self._tuning.answer
            self._put(
                entity,
                replace(
                    entity,
                    salience=entity.salience + salience,
                    weight=entity.weight + salience * self._tuning.topic_answer,
                    turn=self._turn,
                ),
            )

    def settle(self, entity: Entity, gender: Gender) -> None:
        """Remember what a pronoun tells about the entity it stands for."""
        if entity.nature in {"unknown", "person"}:
            self._put(entity, replace(entity, nature=_SETTLED[gender]))

    def known(self, mention: Mention) -> Mention:
        """Return the mention with what was learnt of the nature of what it names."""
        same = (entity.nature for entity in self._entities if _same(entity.mention, mention))
        return replace(mention, nature=next(same, mention.nature))

    def antecedent(
        self, gender: Gender, *, where: Callable[[Mention], bool] = lambda _: True
    ) -> Entity | None:
        """Return the most present entity that a pronoun of this class can stand for."""
        return _best(
            (entity.salience * _suits(entity, gender), entity)
            for entity in self._entities
            if entity.mention.kind != "time" and where(entity.mention)
        )

    def partner(self, entity: Entity) -> Entity | None:
        """Return the other one where "they" seems to stand for one person: who was named with them."""
        if not (_single_person(entity) and entity.by_user):
            return None
        return _best(
            (other.salience, other)
            for other in self._entities
            if other is not entity
            and _single_person(other)
            and _PEOPLE & {entity.nature, other.nature}
            and other.by_user
            and abs(other.turn - entity.turn) <= 1
        )

    def order(self, entity: Entity) -> int:
        """Return how many others were mentioned before it for the first time."""
        return self._entities.index(entity)

    def most_present(self, where: Callable[[Mention], bool]) -> Entity | None:
        """Return the most present entity of those asked for."""
        return _best(
            (entity.salience, entity) for entity in self._entities if where(entity.mention)
        )

    def topic(self, *, people: bool = True) -> Entity | None:
        """Return what the whole conversation is about, rather a name than a phrase.

        Args:
            people: whether it may be a person.
        """
        return _best(
            (
                entity.weight * (1.0 if entity.mention.kind == "name" else self._tuning.phrase),
                entity,
            )
            for entity in self._entities
            if entity.mention.kind != "time" and (people or entity.nature not in _PEOPLE)
        )

    def _salience(self, mention: Mention, role: Role, *, first: bool) -> float:
        return (
            (1.0 if role == "user" else self._tuning.answer)
            * (1.0 if first else self._tuning.later)
            * (1.0 if mention.kind == "name" else self._tuning.phrase)
        )

    def _add(self, mention: Mention, role: Role, salience: float, weight: float) -> None:
        old = _best(
            (entity.salience, entity) for entity in self._entities if _same(entity.mention, mention)
        )
        if old is None:
            self._entities.append(
                Entity(
                    mention=mention,
                    nature=mention.nature,
                    salience=salience,
                    weight=weight,
                    turn=self._turn,
                    by_user=role == "user",
                )
            )
            return
        learning = old.nature in {"unknown", "person"} and mention.nature != "unknown"
        self._put(
            old,
            replace(
                old,
                mention=mention if mention.words > old.mention.words else old.mention,
                nature=mention.nature if learning else old.nature,
                salience=old.salience + salience,
                weight=old.weight + weight,
                turn=self._turn,
            ),
        )

    def _put(self, old: Entity, new: Entity) -> None:
        self._entities[self._entities.index(old)] = new


def _suits(entity: Entity, gender: Gender) -> float:
    fit = fits(entity.nature, gender)
    body = gender == "they" and entity.nature == "group" and entity.mention.kind == "phrase"
    return fit * _BODY if body else fit


def _single_person(entity: Entity) -> bool:
    return entity.mention.kind == "name" and entity.nature in _PEOPLE | {"unknown"}


def _best(scored: Iterable[tuple[float, Entity]]) -> Entity | None:
    """Return the entity of the highest score above 0; of equals the one mentioned last."""
    best = max(scored, key=lambda pair: (pair[0], pair[1].turn), default=None)
    return best[1] if best and best[0] > 0 else None


def _same(known: Mention, new: Mention) -> bool:
    """Tell whether two mentions name the same thing, as far as words tell."""
    if known.kind != new.kind or (known.nature == "many") != (new.nature == "many"):
        return False
    if known.words == new.words:
        return True
    within = known.words < new.words or new.words < known.words
    if known.kind == "phrase":
        return within and known.head == new.head
    return known.kind == "name" and within and min(len(known.words), len(new.words)) == 1

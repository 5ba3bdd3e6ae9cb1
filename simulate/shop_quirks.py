"""Habits of honest shops that look like collusion: nights, packages at one price, accounts used up in December."""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.gatherings import Scene
from ringtrace.simulate.life import pick, usual_shop
from ringtrace.simulate.records import Care, Log
from ringtrace.simulate.sampling import DAY, HOUR, Ints, choose, stream
from ringtrace.simulate.town import Town


def quirks(scene: Scene) -> None:
    """Give honest shops their quirks, and note the shops concerned among the innocent."""
    town, log, truth = scene.town, scene.log, scene.truth
    _nights(town, log)
    _past_closing(town, log)
    _packages(town, log)
    _year_end(town, log)
    places = town.places
    open_all_night = places.closes - places.opens > 20
    shop = np.arange(len(places)) < places.pharmacies
    linked = (places.chain >= 0) & (places.chain % 3 == 0)
    kinds = {
        "night_shop": open_all_night,
        "special_drug_pharmacy": places.special,
        "sloppy_ledger": places.books < 1,
        "forgotten_deliveries": places.lapses > 0,
        "late_entries": places.backlog > 0,
        "late_starter": places.scans_from > 0,
        "careless_scanner": places.scans < 0.78,
        "fixed_price_packages": places.kit,
        "sister_codes": linked,
        "register_out_of_date": places.posted < places.closes,
    }
    for kind, which in kinds.items():
        for place in np.flatnonzero(which & shop).tolist():
            truth.innocent(kind).add("Pharmacy", [place], "shop")


def _nights(town: Town, log: Log) -> None:
    """Shops that never close have their share of customers between ten and six."""
    rng = stream(town.seed, "nights")
    night = np.flatnonzero((town.places.closes - town.places.opens > 20)[: town.places.pharmacies])
    if not len(night):
        return
    n = int(len(town.people) * 0.10 * town.days / 365)
    person = rng.integers(0, len(town.people), n)
    place = night[_nearest(town, person, night)]
    hour = (22 + rng.beta(1.2, 2.2, n) * 8) % 24
    _errand(town, log, rng, person, place, (rng.integers(0, town.days, n) * DAY + hour * HOUR).astype(np.int64))


def _past_closing(town: Town, log: Log) -> None:
    """Some shops serve whoever still stands at the counter, or knocks."""
    rng = stream(town.seed, "past closing")
    n = int(len(town.people) * 0.05 * town.days / 365)
    person = rng.integers(0, len(town.people), n)
    place = usual_shop(town, rng, person)
    kept = (town.places.closes[place] < 23) & (place % 4 == 0)
    person, place = person[kept], place[kept]
    hour = town.places.closes[place] + rng.exponential(0.3, len(place)).clip(0, 1.4)
    _errand(
        town, log, rng, person, place, (rng.integers(0, town.days, len(place)) * DAY + hour * HOUR).astype(np.int64)
    )


def _nearest(town: Town, person: Ints, places: Ints) -> Ints:
    """Position among `places` of the one nearest to each person's home."""
    x, y = town.people.x[person][:, None], town.people.y[person][:, None]
    nearest: Ints = np.argmin(np.hypot(x - town.places.x[places], y - town.places.y[places]), axis=1)
    return nearest


def _errand(
    town: Town, log: Log, rng: np.random.Generator, person: np.ndarray, place: np.ndarray, time: np.ndarray
) -> None:
    illnesses = [each for each in town.goods.acute if not each.sex]
    which = choose(rng, np.array([each.rate for each in illnesses]), len(person))
    for number, illness in enumerate(illnesses):
        rows = np.flatnonzero(which == number)
        visit = log.visits(len(rows), person=person[rows], place=place[rows], time=time[rows], care=Care.PHARMACY)
        log.items(visit, product=pick(town, rng, np.array(illness.drugs), len(rows)))


def _packages(town: Town, log: Log) -> None:
    """A package of three products at one price, pushed for some weeks: the same total many times a day."""
    rng = stream(town.seed, "packages")
    shelf = np.array(town.goods.acute[-1].drugs)
    for shop in np.flatnonzero(town.places.kit & ~town.places.special).tolist():
        customers = np.flatnonzero((town.habits.shop == shop) & (town.people.age >= 25))
        if not len(customers):
            continue
        for _ in range(int(rng.integers(2, 5))):
            n = max(8, int(len(customers) * rng.uniform(0.05, 0.15)))
            person = rng.choice(customers, n)
            begin = int(rng.integers(0, max(1, town.days - 25)))
            day = np.minimum(begin + (rng.exponential(5.0, n)).astype(np.int64), town.days - 1)
            place = np.full(n, shop)
            visit = log.visits(
                n, person=person, place=place, time=town.within_hours(rng, place, day, rng.normal(10.5, 3.0, n))
            )
            total = int(rng.integers(99, 499)) * 100 - 20
            parts = [total // 2 // 10 * 10, total // 4 // 10 * 10]
            for price in (*parts, total - sum(parts)):
                log.items(visit, product=int(pick(town, rng, shelf, 1)[0]), price=price)


def _year_end(town: Town, log: Log) -> None:
    """Many use up what is left on the account before the year ends, for the household's medicine box."""
    rng = stream(town.seed, "year-end")
    adults = np.flatnonzero((town.people.age >= 25) & (town.people.age <= 80))
    person = rng.choice(adults, len(adults) // 14)
    place = usual_shop(town, rng, person)
    # A few shops advertise for it, and the neighbourhood comes.
    loud = rng.choice(town.places.pharmacies, max(1, town.places.pharmacies // 9), replace=False)
    called = np.flatnonzero(rng.random(len(place)) < 0.5)
    place[called] = loud[_nearest(town, person[called], loud)]
    day = town.days - 1 - rng.integers(0, 28, len(person))
    hour = town.habits.hour[person] + rng.normal(0, 1.5, len(person))
    visit = log.visits(len(person), person=person, place=place, time=town.within_hours(rng, place, day, hour), drain=1)
    shelf = np.array(town.goods.acute[-1].drugs)
    for share in (1.0, 0.8, 0.5):
        some = visit[rng.random(len(visit)) < share]
        log.items(some, product=pick(town, rng, shelf, len(some)), count=rng.integers(1, 5, len(some)))

"""An agent run of the fee market in plain Python, the reference for ``benches/market.rs``.

Written the way the field's notebooks are (ethereum/abm1559): users, transactions and blocks are
objects, and each block asks every new user, fills the pool, lets the builder sort it, and moves
the base fee. It is our own code and needs the standard library alone; the notebooks draw from
numpy, one number at a time, which takes longer.

The scenario is that of ``crates/chaos-simulation/benches/market.rs``: a gas limit of 30,000,000,
denominator 8 and elasticity 2; demand for 17,500,000 gas per block at 20 gwei with a price
elasticity of 0.2, around a level that wanders; the recorded mix of transaction sizes; five kinds of
users; a pool of 5,120; about 200 transactions per block.

    python benches/agent_run.py [--json] [--blocks N] [--seed N]

prints one JSON object: blocks, seconds, blocks_per_s (by the clock; cpu_seconds leaves out what a
busy machine gave to others), and what shows that the market is alike.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import dataclass, field

GWEI = 10**9

GAS_LIMIT = 30_000_000
GAS_TARGET = GAS_LIMIT // 2
DENOMINATOR = 8
MIN_BASE_FEE = 7

ANCHOR = 20 * GWEI
LEVEL_GAS = 17_500_000
ELASTICITY = 0.2
# Those who value gas so little that demand would exceed four times the level are not drawn.
REACH = 4
VALUE_LOW = ANCHOR * REACH ** (-1 / ELASTICITY)
VALUE_HIGH = ANCHOR * 1024
WALK_SIGMA = 0.065
WALK_PERSISTENCE = 0.998

# Share of transactions, least and most gas (log-uniform between).
GAS_MIX = [
    (0.482, 21_000, 21_000),
    (0.117, 21_001, 45_000),
    (0.162, 45_000, 70_000),
    (0.093, 70_000, 130_000),
    (0.124, 130_000, 300_000),
    (0.018, 300_000, 1_000_000),
    (0.004, 1_000_000, 10_000_000),
]
GAS_MEAN = 83_317

TIP = (GWEI // 10, 20 * GWEI)
DELAY_COST = (0.001, 0.1)
PATIENT_CAP = (0.85, 1.1)
LEGACY_PRICE = (0.9, 1.5)
DISCOUNTED = 0.3
RECENT_BLOCKS = 30
ESCALATION_BLOCKS = 3

POOL_CAPACITY = 5_120
LIFETIME_BLOCKS = 900


@dataclass
class Environment:
    """What everybody sees before a block is filled."""

    block: int
    base_fee: int
    recent: int
    crowded_tip: int | None


@dataclass
class Transaction:
    """What a user sends."""

    number: int
    user: User
    gas: int
    max_fee: int
    max_priority_fee: int
    price: int
    start_block: int

    def is_valid(self, base_fee: int) -> bool:
        """Say whether a block at this base fee may include it."""
        return self.max_fee >= base_fee

    def tip(self, base_fee: int) -> int:
        """Give what the proposer gets for each gas."""
        return min(self.max_priority_fee, self.max_fee - base_fee)


@dataclass
class Draws:
    """The random numbers of one user, uniform on [0, 1)."""

    value: float
    gas: float
    size: float
    tip: tuple[float, float]
    cost: float
    habit: float
    kind: float
    discounted: float


class User:
    """Someone who wants one transaction included: offers its value, if the next block pays."""

    def __init__(self, draws: Draws, block: int) -> None:
        """Turn uniform numbers into wishes."""
        self.wakeup_block = block
        value = VALUE_LOW * (1 - draws.value) ** (-1 / ELASTICITY)
        self.value = int(min(value, VALUE_HIGH))
        self.gas = gas_of(draws.gas, draws.size)
        # The sum of two uniform numbers is triangular.
        self.usual_tip = int(log_uniform(TIP, (draws.tip[0] + draws.tip[1]) / 2))
        self.cost = log_uniform(DELAY_COST, draws.cost)
        self.discounted = draws.discounted < DISCOUNTED
        self.habit = draws.habit

    def value_at(self, block: int) -> float:
        """Give what inclusion in this block is worth."""
        waited = block - self.wakeup_block
        if self.discounted:
            return float(self.value * (1 - self.cost) ** waited)
        return self.value * (1 - self.cost * waited)

    def decide(self, environment: Environment) -> tuple[int, int]:
        """Choose the maximum fee and the maximum priority fee."""
        del environment
        return self.value, self.usual_tip

    def price(self, environment: Environment, fee: int, tip: int) -> int:
        """Give the price that the user expects: that of the next block."""
        return min(environment.base_fee + tip, fee)

    def transact(self, number: int, environment: Environment) -> Transaction | None:
        """Send a transaction, or stay away if it would not pay."""
        fee, tip = self.decide(environment)
        price = self.price(environment, fee, tip)
        if fee <= environment.base_fee // 2 or price > self.value:
            return None
        return Transaction(number, self, self.gas, fee, tip, price, environment.block)


class StrategicUser(User):
    """Outbids the lowest tip of a crowded block."""

    def decide(self, environment: Environment) -> tuple[int, int]:
        """Offer an eighth over the lowest tip of the last block if that was crowded."""
        crowded = (environment.crowded_tip or 0) * 9 // 8 + 1
        most = self.value - environment.base_fee
        return self.value, max(self.usual_tip, crowded) if crowded < most else self.usual_tip


class PatientUser(User):
    """Waits for a price near the recent one."""

    def decide(self, environment: Environment) -> tuple[int, int]:
        """Cap the fee near the recent base fee."""
        low, high = PATIENT_CAP
        cap = int(environment.recent * (low + (high - low) * self.habit)) + self.usual_tip
        return min(cap, self.value), self.usual_tip

    def price(self, environment: Environment, fee: int, tip: int) -> int:
        """Expect to be served at the cap or not at all."""
        del environment, tip
        return fee


class LegacyUser(PatientUser):
    """Names one price, and waits for it."""

    def decide(self, environment: Environment) -> tuple[int, int]:
        """Offer a multiple of the recent base fee."""
        low, high = LEGACY_PRICE
        price = int(environment.recent * (low + (high - low) * self.habit)) + self.usual_tip
        price = min(price, self.value)
        return price, price


class EscalatingUser(User):
    """Bids low at first and raises the bid while it waits."""

    def decide(self, environment: Environment) -> tuple[int, int]:
        """Offer a quarter over the base fee, and more with each time of waiting."""
        raises = (environment.block - self.wakeup_block) // ESCALATION_BLOCKS
        tip = int(self.usual_tip * 1.125**raises)
        fee = int((environment.base_fee * 5 // 4 + self.usual_tip) * 1.125**raises)
        return min(fee, self.value), tip


KINDS: list[tuple[float, type[User]]] = [
    (0.05, StrategicUser),
    (0.15, LegacyUser),
    (0.7, PatientUser),
    (0.05, EscalatingUser),
    (0.05, User),
]


@dataclass
class Pool:
    """Transactions that wait."""

    transactions: dict[int, Transaction] = field(default_factory=dict)

    def add(self, transactions: list[Transaction]) -> None:
        """Take transactions in, and drop those with the lowest fee when there are too many."""
        for transaction in transactions:
            self.transactions[transaction.number] = transaction
        if len(self.transactions) > POOL_CAPACITY:
            by_fee = sorted(self.transactions.values(), key=lambda one: one.max_fee)
            self.remove(by_fee[: len(self.transactions) - POOL_CAPACITY])

    def remove(self, transactions: list[Transaction]) -> None:
        """Forget transactions."""
        for transaction in transactions:
            del self.transactions[transaction.number]

    def select(self, base_fee: int) -> list[Transaction]:
        """Choose by tip what fits into a block."""
        valid = [one for one in self.transactions.values() if one.is_valid(base_fee)]
        valid.sort(key=lambda one: -one.tip(base_fee))
        chosen, room = [], GAS_LIMIT
        for transaction in valid:
            if transaction.gas <= room:
                chosen.append(transaction)
                room -= transaction.gas
        return chosen

    def update(self, environment: Environment) -> None:
        """Let users withdraw what no longer pays, and bid again."""
        gone = []
        for transaction in self.transactions.values():
            user = transaction.user
            waited = environment.block - transaction.start_block
            if waited > LIFETIME_BLOCKS or user.value_at(environment.block) < transaction.price:
                gone.append(transaction)
            elif isinstance(user, EscalatingUser) and waited % ESCALATION_BLOCKS == 0:
                transaction.max_fee, transaction.max_priority_fee = user.decide(environment)
        self.remove(gone)


@dataclass
class Block:
    """What was included."""

    height: int
    base_fee: int
    transactions: list[Transaction]

    def gas_used(self) -> int:
        """Give the gas of all transactions."""
        return sum(transaction.gas for transaction in self.transactions)

    def tips(self) -> int:
        """Give what the proposer earned."""
        return sum(one.tip(self.base_fee) * one.gas for one in self.transactions)

    def waited(self) -> int:
        """Give the blocks that its transactions waited, together."""
        return sum(self.height - one.start_block for one in self.transactions)

    def crowded_tip(self) -> int | None:
        """Give the lowest tip if the block is more than 90 % full."""
        if self.gas_used() * 10 <= GAS_LIMIT * 9:
            return None
        return min(one.tip(self.base_fee) for one in self.transactions)


def log_uniform(bounds: tuple[float, float], place: float) -> float:
    """Give the value at a place from 0 to 1 between two bounds, in logarithms."""
    low, high = bounds
    return float(low * (high / low) ** place)


def gas_of(draw: float, size: float) -> int:
    """Give a transaction's gas from the mix."""
    for share, low, high in GAS_MIX:
        draw -= share
        if draw < 0:
            return int(log_uniform((low, high), size))
    return GAS_MIX[0][1]


def next_base_fee(base_fee: int, gas_used: int) -> int:
    """Give the next block's base fee, EIP-1559."""
    if gas_used == GAS_TARGET:
        return base_fee
    change = base_fee * abs(gas_used - GAS_TARGET) // GAS_TARGET // DENOMINATOR
    if gas_used > GAS_TARGET:
        return base_fee + max(change, 1)
    return max(base_fee - change, MIN_BASE_FEE)


class Demand:
    """Users as they come: a random number per block, around a level that wanders."""

    def __init__(self, seed: int) -> None:
        """Start at the level."""
        self.rng = random.Random(seed)  # noqa: S311, nothing is secret here
        self.walk = 0.0

    def users(self, block: int) -> list[User]:
        """Give a block's new users."""
        # The walk's deviation is WALK_SIGMA at any time, and its mean factor one.
        step = WALK_SIGMA * math.sqrt(1 - WALK_PERSISTENCE**2)
        self.walk = WALK_PERSISTENCE * self.walk + self.rng.gauss(0, step)
        rate = REACH * LEVEL_GAS / GAS_MEAN * math.exp(self.walk - WALK_SIGMA**2 / 2)
        # Poisson, which hundreds of arrivals make a normal distribution.
        count = max(0, round(self.rng.gauss(rate, math.sqrt(rate))))
        return [self.user(self.draws(), block) for _ in range(count)]

    def draws(self) -> Draws:
        """Draw for one user."""
        uniform = self.rng.random
        return Draws(
            value=uniform(),
            gas=uniform(),
            size=uniform(),
            tip=(uniform(), uniform()),
            cost=uniform(),
            habit=uniform(),
            kind=uniform(),
            discounted=uniform(),
        )

    @staticmethod
    def user(draws: Draws, block: int) -> User:
        """Give one user of some kind."""
        place = draws.kind
        for share, kind in KINDS:
            place -= share
            if place < 0:
                return kind(draws, block)
        return User(draws, block)


def simulate(blocks: int, seed: int) -> list[dict[str, float]]:
    """Run the market and give one row per block."""
    demand, pool = Demand(seed), Pool()
    environment = Environment(0, ANCHOR, ANCHOR, None)
    rows, sent = [], 0
    for height in range(blocks):
        users = demand.users(height)
        decided = []
        for user in users:
            transaction = user.transact(sent, environment)
            if transaction is not None:
                decided.append(transaction)
                sent += 1
        pool.add(decided)
        block = Block(height, environment.base_fee, pool.select(environment.base_fee))
        pool.remove(block.transactions)
        rows.append(
            {
                "base_fee": block.base_fee / GWEI,
                "users": len(users),
                "transactions": len(block.transactions),
                "use": block.gas_used() / GAS_LIMIT,
                "tips": block.tips() / 10**18,
                "waited": block.waited(),
                "pool": len(pool.transactions),
            }
        )
        base_fee = next_base_fee(block.base_fee, block.gas_used())
        recent = environment.recent + (base_fee - environment.recent) // RECENT_BLOCKS
        environment = Environment(height + 1, base_fee, recent, block.crowded_tip())
        pool.update(environment)
    return rows


def main() -> None:
    """Measure one run."""
    parser = argparse.ArgumentParser(description="an agent run of the fee market in plain Python")
    parser.add_argument("--blocks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--json", action="store_true", help="accepted; the output is JSON in any case"
    )
    arguments = parser.parse_args()
    start, start_cpu = time.perf_counter(), time.process_time()
    rows = simulate(arguments.blocks, arguments.seed)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu

    def mean(name: str) -> float:
        return round(sum(row[name] for row in rows) / len(rows), 3)

    figures = {
        "blocks": arguments.blocks,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "blocks_per_s": round(arguments.blocks / seconds, 1),
        "users_per_block": mean("users"),
        "transactions_per_block": mean("transactions"),
        "use_mean": mean("use"),
        "pool_mean": mean("pool"),
        "base_fee_gwei_mean": mean("base_fee"),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

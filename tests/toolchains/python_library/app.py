"""A shop's orders, as a Python programmer writes them; nothing in here knows that it is durable."""

import random
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import orders as wit

WINNERS = Path("/shop/winners.txt")


class ShopError(Exception):
    """What the shop refuses; `failure` is its case in WIT."""

    def __init__(self, failure):
        super().__init__(str(failure))
        self.failure = failure


@dataclass
class Order:
    items: list
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    placed_at: float = field(default_factory=time.time)
    state: wit.State = wit.State.OPEN
    paid_by: object = None

    def total(self):
        return sum(item.quantity * item.price for item in self.items)

    def leave_open_for(self, state):
        if self.state is not wit.State.OPEN:
            raise ShopError(wit.Failure_WrongState(self.state))
        self.state = state

    def as_wit(self):
        return wit.Order(self.id, self.items, self.state, round(self.placed_at * 1000), self.paid_by)


class Shop:
    def __init__(self):
        self._orders = {}

    def place(self, items):
        if not items:
            raise ShopError(wit.Failure_Empty())
        order = Order(items)
        self._orders[order.id] = order
        return order

    def order(self, id):
        try:
            return self._orders[id]
        except KeyError:
            raise ShopError(wit.Failure_UnknownOrder(id)) from None

    def all(self):
        return list(self._orders.values())

    def raffle(self, count):
        drawn = random.sample(list(self._orders), count)
        WINNERS.parent.mkdir(exist_ok=True)
        with WINNERS.open("a") as file:
            file.writelines(f"{id}\n" for id in drawn)
        return drawn


shop = Shop()


class Orders(exports.Orders):
    def place(self, items):
        return refusing(lambda: shop.place(items).as_wit())

    def pay(self, id, by):
        def pay():
            order = shop.order(id)
            order.leave_open_for(wit.State.PAID)
            order.paid_by = by
            return order.total()

        return refusing(pay)

    def cancel(self, id):
        return refusing(lambda: shop.order(id).leave_open_for(wit.State.CANCELLED))

    def all(self):
        return [order.as_wit() for order in shop.all()]

    def raffle(self, count):
        return shop.raffle(count)

    def winners(self):
        return WINNERS.read_text().split()

    def think(self, milliseconds):
        time.sleep(milliseconds / 1000)

    def say(self, text):
        print("out:", text)
        print("err:", text, file=sys.stderr)

    def fail_at(self, count):
        orders = len(shop.all())
        if orders >= count:
            raise OverflowError(f"{orders} orders are too many")
        return orders


def refusing(action):
    try:
        return action()
    except ShopError as error:
        raise Err(error.failure) from None

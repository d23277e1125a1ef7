"""The three routes with FastAPI: `async def` on its loop, `def` in its threads."""
import sys

from fastapi import Depends, FastAPI

sys.dont_write_bytecode = True
app = FastAPI()


async def load_item(id: int):
    return {"id": id, "name": f"item {id}", "price": id * 3}


def load_item_sync(id: int):
    return {"id": id, "name": f"item {id}", "price": id * 3}


@app.get("/items/{id}")
async def item(item=Depends(load_item)):
    return item


@app.get("/hop/{id}")
def hop(item=Depends(load_item_sync)):
    return item


@app.get("/heavy/{times}")
def heavy(times: int):
    number = 1
    for _ in range(times):
        number = number * 48271 % 2147483647
    return {"result": number}

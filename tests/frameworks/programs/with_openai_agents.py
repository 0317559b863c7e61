"""A travel desk of six agents: handoffs, tools side by side, an agent as a tool, a streamed run.

Written as a user of openai-agents writes it. The model's address and key come from the environment.
`--change` makes one edit of the kind that a replay must find.
"""

import argparse
import asyncio
import contextlib
import hashlib

import openai
from agents import Agent, ModelSettings, Runner, function_tool, handoff

CHANGES = ["docstring", "inserted", "prompt", "shared_prompt", "tool_order"]
CHANGE = argparse.ArgumentParser()
CHANGE.add_argument("--change", choices=CHANGES)
CHANGED = CHANGE.parse_args().change


def digits(*words: object) -> int:
    """Make a number out of words, the same one each time."""
    return int(hashlib.sha256(repr(words).encode()).hexdigest()[:6], 16)


@function_tool
def find_customer(name: str) -> str:
    """Look a customer up.

    Args:
        name: The customer's full name.
    """
    return f"customer {digits(name)}, member since {1990 + digits(name) % 30}"


@function_tool
async def read_policy(topic: str) -> str:
    """Read the house rules on a topic."""
    await asyncio.sleep(digits(topic) % 7 / 1000)
    return f"rule {digits(topic) % 90}: {topic} at most {digits(topic) % 14} days ahead"


@function_tool
def search_flights(origin: str, destination: str, seats: int) -> str:
    """Find flights between two cities."""
    return f"flight {digits(origin, destination) % 9000}, {seats} seats left"


@function_tool
async def search_hotels(city: str, nights: int) -> str:
    """Find a hotel in a city."""
    await asyncio.sleep(digits(city) % 5 / 1000)
    return f"hotel no. {digits(city) % 500}, {nights} nights, {digits(nights) % 300} EUR"


def price_in(amount: float, currency: str) -> str:
    """Convert an amount of euros into a currency."""
    return f"{amount * (1 + digits(currency) % 50 / 100):.2f} {currency}"


if CHANGED == "docstring":
    price_in.__doc__ = "Convert an amount of euros into another currency."
price = function_tool(price_in)


@function_tool
def reserve(reference: str, seats: int) -> str:
    """Reserve seats on a flight."""
    return f"reserved {seats} as R{digits(reference, seats)}"


@function_tool
def send_invoice(customer: str, amount: float) -> str:
    """Send the invoice."""
    return f"invoice {digits(customer, amount)} sent"


MODEL = "gpt-4o-mini"
SIDE_BY_SIDE = ModelSettings(parallel_tool_calls=True)

weather = Agent(
    name="Weather",
    model=MODEL,
    instructions="You know the weather. Convert every price of a forecast.",
    tools=[price],
)
booker = Agent(
    name="Booker",
    model=MODEL,
    model_settings=SIDE_BY_SIDE,
    instructions=(
        "You book quickly what was planned."
        if CHANGED == "prompt"
        else "You book what was planned."
    ),
    handoff_description="Books a finished plan.",
    tools=[reserve, send_invoice],
)
planner_tools = [
    search_flights,
    search_hotels,
    weather.as_tool(tool_name="ask_weather", tool_description="Ask about the weather."),
]
if CHANGED == "tool_order":
    planner_tools[:2] = reversed(planner_tools[:2])
planner = Agent(
    name="Planner",
    model=MODEL,
    model_settings=SIDE_BY_SIDE,
    instructions="You plan trips.",
    handoff_description="Plans a trip.",
    tools=planner_tools,
    handoffs=[handoff(booker)],
)
desk = Agent(
    name="Desk",
    model=MODEL,
    model_settings=SIDE_BY_SIDE,
    instructions="You greet travellers and find out who they are.",
    tools=[find_customer, read_policy],
    handoffs=[planner],
)
guide = Agent(
    name="Guide",
    model=MODEL,
    instructions=(
        "You tell what to see indoors."
        if CHANGED == "shared_prompt"
        else "You tell what to see, and say something else each time."
    ),
    tools=[read_policy, find_customer],
)
writer = Agent(
    name="Writer",
    model=MODEL,
    instructions="You write the letter that goes out.",
    tools=[read_policy],
)
reader = Agent(
    name="Reader",
    model=MODEL,
    instructions="You read, and say what is missing.",
)


async def travel(agent: Agent, wish: str) -> str:
    """Serve one traveller."""
    result = await Runner.run(agent, wish)
    return f"{result.last_agent.name}: {result.final_output}"


async def main() -> None:
    """Plan a trip while two guides are asked the same, then write a letter and read along."""
    said = await asyncio.gather(
        travel(desk, "Ada Lovelace wants to see Lisbon in May."),
        travel(guide, "What is there to see in Lisbon?"),
        travel(guide, "What is there to see in Lisbon?"),
    )
    for one in said:
        print(one)
    if CHANGED == "inserted":
        # One more turn, in a task of its own, which changes nothing of what the writer is told. In
        # a replay nothing recorded is like it: an error comes in its API's words.
        with contextlib.suppress(openai.BadRequestError):
            await travel(reader, "\n".join(said))
    letter = Runner.run_streamed(writer, "Write to Ada:\n" + "\n".join(said))
    async for event in letter.stream_events():
        if event.type == "raw_response_event":
            if event.data.type == "response.output_text.delta":
                print(event.data.delta, end="|", flush=True)
        elif event.type == "run_item_stream_event":
            print(f"[{event.name}]")
    print()
    print("Letter:", letter.final_output)


if __name__ == "__main__":
    asyncio.run(main())

"""An editorial office: a supervisor that fans out to agents side by side, and an editor that joins.

Written as a user of LangGraph writes it. Asks three times on one thread of a checkpointer: in
threads, with asyncio, and streamed. The model's address and key come from the environment.
`--change` makes one edit of the kind that a replay must find.
"""

import argparse
import asyncio
import hashlib
import operator
from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Send
from pydantic import BaseModel

CHANGES = ["docstring", "inserted", "prompt", "shared_prompt", "tool_order"]
CHANGE = argparse.ArgumentParser()
CHANGE.add_argument("--change", choices=CHANGES)
CHANGED = CHANGE.parse_args().change
MODEL = ChatOpenAI(model="gpt-4o-mini", temperature=0)


class Plan(BaseModel):
    """What the supervisor wants to know."""

    topics: list[str]


class Office(TypedDict):
    """The state: the talk with the user, and the notes of all agents."""

    messages: Annotated[list[AnyMessage], operator.add]
    topics: list[str]
    notes: Annotated[list[str], operator.add]


def digits(*words: object) -> int:
    """Make a number out of words, the same one each time."""
    return int(hashlib.sha256(repr(words).encode()).hexdigest()[:6], 16)


@tool
def search(query: str) -> str:
    """Search the archive."""
    return f"{digits(query) % 40} articles about {query}"


@tool
def read(title: str, page: int) -> str:
    """Read a page of an article."""
    return f"page {page} of {title} says {digits(title, page)}"


def check_claim(claim: str) -> str:
    """Check a claim."""
    return f"{claim}: {digits(claim) % 100} percent true"


if CHANGED == "docstring":
    check_claim.__doc__ = "Check a claim with care."
check = tool(check_claim)


@tool
def count(text: str) -> int:
    """Count the letters of a text."""
    return len(text)


@tool
def style(text: str, year: int) -> str:
    """Look up how the house writes."""
    return f"style {digits(text, year) % 10}"


def agent(prompt: str, tools: list) -> CompiledStateGraph:
    """Build an agent: a model that may use tools, until it has said what it has to say."""
    model = ChatPromptTemplate([("system", prompt), ("placeholder", "{messages}")])
    model = model | MODEL.bind_tools(tools) | (lambda message: {"messages": [message]})
    graph = StateGraph(MessagesState)
    graph.add_node("model", model)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


def worker(inner: CompiledStateGraph) -> RunnableLambda:
    """Make an agent a node: it gets a topic and gives a note."""
    ask = RunnableLambda(lambda task: {"messages": [HumanMessage(task["topic"])]})
    return ask | inner | (lambda state: {"notes": [state["messages"][-1].content]})


supervisor = (
    RunnableLambda(lambda state: [SystemMessage("You plan what to look into."), *state["messages"]])
    | MODEL.with_structured_output(Plan)
    | (lambda plan: {"topics": plan.topics})
)
researcher = agent(
    "You find out all of it." if CHANGED == "shared_prompt" else "You find out how things are.",
    [search, read],
)
sceptic = agent("You doubt what others find out.", [check, search])
editing = [count, style]
editor = agent(
    "You write the shortest article." if CHANGED == "prompt" else "You write the article.",
    editing[::-1] if CHANGED == "tool_order" else editing,
)
reader = (
    ChatPromptTemplate(
        [("system", "You read, and say what is missing."), ("placeholder", "{messages}")]
    )
    | MODEL
)


def fan_out(state: Office) -> list[Send]:
    """Send each topic to a researcher of its own, and all of them to the sceptic."""
    topics = state["topics"]
    tasks = [Send("researcher", {"topic": topic}) for topic in topics]
    # Two researchers get the very same task: what each finds is its own.
    again = Send("researcher", {"topic": topics[0]})
    return [*tasks, again, Send("sceptic", {"topic": " and ".join(topics)})]


def join(state: Office) -> dict:
    """Put all notes before the editor."""
    return {"messages": [*state["messages"], HumanMessage("Notes:\n" + "\n".join(state["notes"]))]}


office = StateGraph(Office)
office.add_node("supervisor", supervisor)
office.add_node("researcher", worker(researcher))
office.add_node("sceptic", worker(sceptic))
office.add_node(
    "editor", RunnableLambda(join) | editor | (lambda s: {"messages": s["messages"][-1:]})
)
office.add_edge(START, "supervisor")
office.add_conditional_edges("supervisor", fan_out, ["researcher", "sceptic"])
if CHANGED == "inserted":
    # One more turn, which changes nothing of what the editor is told.
    office.add_node("reader", RunnableLambda(join) | reader | (lambda _: {"notes": []}))
    office.add_edge(["researcher", "sceptic"], "reader")
    office.add_edge("reader", "editor")
else:
    office.add_edge(["researcher", "sceptic"], "editor")
office.add_edge("editor", END)
graph = office.compile(checkpointer=MemorySaver())
THREAD = {"configurable": {"thread_id": "1"}}


def wish(text: str) -> dict:
    """Say something to the office."""
    return {"messages": [HumanMessage(text)]}


async def later() -> None:
    """Ask twice more on the same thread, which remembers: side by side in tasks, then streamed."""
    state = await graph.ainvoke(wish("Once more, and shorter."), THREAD)
    print("Second:", state["messages"][-1].content)
    asked = graph.astream(wish("And a headline."), THREAD, stream_mode="messages", subgraphs=True)
    async for _, (piece, where) in asked:
        if (
            where["langgraph_node"] == "model"
            and piece.content
            and "editor" in where["langgraph_checkpoint_ns"]
        ):
            print(piece.content, end="|", flush=True)
    print()
    state = graph.get_state(THREAD).values
    print("Messages:", len(state["messages"]), "notes:", len(state["notes"]))
    print("Third:", state["messages"][-1].content)


if __name__ == "__main__":
    first = graph.invoke(wish("Write about rivers."), THREAD)  # side by side in threads
    print("First:", first["messages"][-1].content)
    asyncio.run(later())

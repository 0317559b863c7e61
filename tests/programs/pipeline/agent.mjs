// An agent in node, which finds the model by the base URL in its environment.
const FIRST = { role: "user", content: "What is the plan?" };

async function ask(...messages) {
  const answer = await fetch(process.env.OPENAI_BASE_URL + "/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "counter", messages }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).choices[0].message.content;
}

const first = await ask(FIRST);
const again = { role: "user", content: `You said '${first}'. Go on.` };
console.log(JSON.stringify([first, await ask(FIRST, { role: "assistant", content: first }, again)]));

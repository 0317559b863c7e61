# An agent in a shell, which asks through curl. The second question has the words of the first answer.
FIRST='{"role": "user", "content": "What is the plan?"}'

ask() {
  curl -sf "$OPENAI_BASE_URL/chat/completions" -H "Content-Type: application/json" \
    -d "{\"model\": \"counter\", \"messages\": [$1]}" |
    sed 's/.*"content": *"\([^"]*\)".*/\1/'
}

first=$(ask "$FIRST")
said="{\"role\": \"assistant\", \"content\": \"$first\"}"
again="{\"role\": \"user\", \"content\": \"You said '$first'. Go on.\"}"
second=$(ask "$FIRST, $said, $again")
echo "[\"$first\", \"$second\"]"

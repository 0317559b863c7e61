"""An agent whose tools change the world: one appends to a file, one sends an e-mail.

Takes the file and the mail server's port.
"""

import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path

import agentvcr


@agentvcr.tool(side_effect=True)
def append(path: str, line: str) -> int:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return len(Path(path).read_text(encoding="utf-8").splitlines())


@agentvcr.tool(side_effect=True, idempotency_key="subject")
def send_mail(subject: str, text: str, *, port: int) -> dict:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "agent@example.test", "you@example.test", subject
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", port, local_hostname="agent.example.test") as server:
        refused = server.send_message(mail)
    return {"refused": refused, "subject": subject}


def work(path: str, port: int) -> list:
    with agentvcr.step("report", agent="reporter"):
        count = append(path, "the report is written")
        sent = send_mail(f"report {count}", "it is written", port=port)
    return [count, sent, append(path, "and sent")]


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2])))

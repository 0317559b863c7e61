"""What is wrong with a run, or with the program that made it: each kind a judge of its own. Pure.

`dependence` says on what a program's requests depend besides its code; `changed` says which of them
a replay asked otherwise, `asked` reads what the program's witness told, `spans` compares texts,
`suspects` reads sources.
"""

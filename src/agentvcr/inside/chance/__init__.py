"""Make chance the same again on replay: for each lane the numbers that it was given when recorded.

One seed a run stands for all of it. `stream` makes bytes of the seed and a lane's name, and is what
`os.urandom` becomes; `shared` takes apart the generators that a whole program shares; `libraries`
knows which modules hold one; `arrival` keeps processes of one name apart; `install` puts all of it
in place.
"""

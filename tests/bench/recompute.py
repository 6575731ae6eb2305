"""The bill, computed anew by an outsider: recompute.py LEDGER PRICES FEE FEED_IN prints import, export and the bill in EUR, and checks the chain.

LEDGER has an entry of the books a line, PRICES the public wholesale prices (CSV: time_utc, price_eur_mwh); the contract is the price plus
FEE for import, and FEED_IN for export, nothing while the wholesale price is negative.
"""
import csv, gzip, hashlib, json, sys

ledger, prices, fee, feed_in = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
rows = csv.DictReader(gzip.open(prices, "rt"))
spot = {row["time_utc"][:16].replace(" ", "T"): float(row["price_eur_mwh"]) / 1000 for row in rows}
imported = exported = 0.0
previous, number = "0" * 64, 0
for entry in map(json.loads, open(ledger)):
    text = "\n".join([previous, str(entry["sequence"]), entry["booked_at"].replace("Z", ".000Z"), entry["body"]])
    assert entry["previous"] == previous and entry["sequence"] == number + 1, f"entry {number + 1} is missing"
    assert hashlib.sha256(text.encode()).hexdigest() == entry["hash"], f"entry {entry['sequence']} was changed"
    previous, number, body = entry["hash"], entry["sequence"], json.loads(entry["body"])
    if body["kind"] == "slot":
        price = spot[body["start"][:16]]
        imported += body["import"] * (price + fee)
        exported += body["export"] * (0.0 if price < 0 else feed_in)
print(json.dumps({"entries": number, "import_eur": imported, "export_eur": exported, "bill_eur": imported - exported}))

"""psycopg as a client of the conformance kit: client_psycopg.py CONNINFO"""
import json
import sys

import psycopg

try:
    connection = psycopg.connect(sys.argv[1])
except psycopg.Error as error:
    print(json.dumps({"outcome": "fail", "error": str(error)}))
    sys.exit(2)
print(json.dumps({"outcome": "ssl" if connection.pgconn.ssl_in_use else "plain"}))
connection.close()

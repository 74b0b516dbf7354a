"""The page of --ui-port: what runs, what has failed, and nothing of it as markup."""
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request

import harness
from pyspark.sql import SparkSession


def test_the_page_shows_streams_rates_and_errors():
    base = tempfile.mkdtemp(prefix="millstream-page-")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([os.environ["MILLSTREAM"], "serve", "--port", "0", "--ui-port", str(port), "--warehouse", f"{base}/warehouse"],
                               stdout=subprocess.PIPE, text=True)
    try:
        spark = SparkSession.builder.remote(process.stdout.readline().split()[3]).create()

        def page(path="/"):
            with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=10) as answer:
                return answer.read().decode()
        assert "0 streams are running" in page()
        os.makedirs(f"{base}/in")
        with open(f"{base}/in/1.json", "w") as out:
            out.write('{"a": 1}\n')

        def start():
            return (spark.readStream.format("cloudFiles").option("cloudFiles.format", "json").option("cloudFiles.schemaLocation", f"{base}/schema")
                    .load(f"{base}/in").writeStream.queryName("<b>&'\"").option("checkpointLocation", f"{base}/checkpoint").toTable("t"))
        query = start()
        query.processAllAvailable()
        html = page()
        assert "1 stream is running" in html and query.id in html and "<b>&amp;" not in html and "&lt;b&gt;&amp;" in html, html
        with open(f"{base}/in/2.json", "w") as out:
            out.write('{"a": 1, "new": 2}\n')
        begin = time.monotonic()
        harness.raises(Exception, query.processAllAvailable, "UNKNOWN_FIELD_EXCEPTION")
        assert time.monotonic() - begin < 5
        html = page()
        assert "0 streams are running, 1 ended" in html and "UNKNOWN_FIELD_EXCEPTION" in html, html
        shown = json.loads(page("/api/queries"))
        assert shown[0]["exception"] and not shown[0]["isActive"] and shown[0]["lastProgress"]["numInputRows"] == 1
        spark.stop()
    finally:
        process.terminate()
        process.wait(15)


if __name__ == "__main__":
    harness.main(globals())

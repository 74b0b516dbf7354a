"""Records tests/spark/data/pivot.json: python tests/spark/pivot/record.py, with pyspark 4.2 and a JVM."""
import json
import pathlib
import sys

from pyspark.sql import SparkSession

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import cases  # noqa: E402

spark = SparkSession.builder.remote("local[2]").config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
answers = {}
for name in cases.CASES:
    answers[name] = cases.answer(spark, name)
    print(name, answers[name])
(HERE.parent / "data" / "pivot.json").write_text(json.dumps(answers, indent=1) + "\n")

spark.stop()

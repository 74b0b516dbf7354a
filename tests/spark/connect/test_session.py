"""Sessions and settings: their life cycle over the wire."""
import uuid

import harness
from pyspark.sql import SparkSession


def test_a_setting_is_read_back(spark):
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "7"
    spark.conf.unset("spark.sql.shuffle.partitions")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"


def test_defaults_that_the_client_needs_exist(spark):
    for key in ["spark.sql.session.timeZone", "spark.sql.timestampType", "spark.sql.session.localRelationCacheThreshold",
                "spark.sql.session.localRelationSizeLimit", "spark.sql.execution.pandas.structHandlingMode", "spark.sql.execution.arrow.useLargeVarTypes",
                "spark.sql.execution.arrow.maxRecordsPerBatch", "spark.sql.sources.default", "spark.sql.ansi.enabled",
                "spark.connect.session.planCompression.threshold", "spark.connect.session.planCompression.defaultAlgorithm"]:
        assert spark.conf.get(key), key


def test_an_unknown_setting_has_the_default_that_the_caller_gives(spark):
    assert spark.conf.get("no.such.key", "fallback") == "fallback"
    assert spark.conf.get("no.such.key", None) is None
    harness.raises(Exception, lambda: spark.conf.get("no.such.key"), "SQL_CONF_NOT_FOUND")


def test_is_modifiable(spark):
    assert spark.conf.isModifiable("spark.sql.shuffle.partitions") is True
    assert spark.conf.isModifiable("spark.sql.warehouse.dir") is False


def test_builder_options_are_set(server):
    spark = server.session(**{"spark.sql.shuffle.partitions": "3", "spark.connect.whatever": "x"})
    assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    spark.stop()


def test_version(spark):
    assert spark.version == "4.2.0"


def test_sessions_are_apart(server):
    one, two = server.session(), server.session()
    one.conf.set("spark.sql.shuffle.partitions", "9")
    one.range(3).createOrReplaceTempView("only_in_one")
    assert two.conf.get("spark.sql.shuffle.partitions") == "200"
    assert one.table("only_in_one").count() == 3
    harness.raises(Exception, lambda: two.table("only_in_one").count(), "TABLE_OR_VIEW_NOT_FOUND")
    one.stop()
    assert two.range(2).count() == 2
    two.stop()


def test_a_stopped_session_stays_closed(server):
    session_id = str(uuid.uuid4())
    spark = SparkSession.builder.remote(f"{server.remote}/;session_id={session_id}").create()
    assert spark.range(1).count() == 1
    spark.stop()
    again = SparkSession.builder.remote(f"{server.remote}/;session_id={session_id}")
    harness.raises(Exception, lambda: again.create().range(1).collect(), "SESSION_CLOSED")


def test_a_session_id_that_is_no_uuid_is_refused(server):
    import grpc
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc
    with grpc.insecure_channel(f"localhost:{server.port}") as channel:
        stub = base_pb2_grpc.SparkConnectServiceStub(channel)
        request = base_pb2.AnalyzePlanRequest(session_id="not-a-uuid")
        request.spark_version.SetInParent()
        harness.raises(grpc.RpcError, lambda: stub.AnalyzePlan(request), "INVALID_HANDLE.FORMAT")


def test_the_server_stops_within_ten_seconds():
    # With a session left open. Not PySpark's own client: that one looks for a server that has gone for minutes.
    import grpc
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc
    server = harness.Server()
    with grpc.insecure_channel(f"localhost:{server.port}") as channel:
        request = base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()))
        request.plan.root.range.end = 5
        request.plan.root.range.step = 1
        assert list(base_pb2_grpc.SparkConnectServiceStub(channel).ExecutePlan(request))
        code, seconds = server.stop()
    server.close()
    assert code == 0, code
    assert seconds < 10, seconds


if __name__ == "__main__":
    harness.main(globals())

"""What no client of good will sends: each gets an error, and the server goes on."""
import os
import random
import uuid

import grpc
import harness
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc


def stub(server):
    return base_pb2_grpc.SparkConnectServiceStub(grpc.insecure_channel(f"localhost:{server.port}", options=[("grpc.max_receive_message_length", -1)]))


def raw(server, method, payload, streaming):
    channel = grpc.insecure_channel(f"localhost:{server.port}")
    path = f"/spark.connect.SparkConnectService/{method}"
    try:
        if streaming:
            return list(channel.unary_stream(path)(payload, timeout=20))
        return channel.unary_unary(path)(payload, timeout=20)
    except grpc.RpcError as error:
        return error
    finally:
        channel.close()


def test_bytes_that_are_no_message(server, spark):
    rng = random.Random(1)
    for i in range(200):
        payload = rng.randbytes(rng.randrange(1, 400))
        for method, streaming in [("ExecutePlan", True), ("AnalyzePlan", False), ("Config", False), ("ReattachExecute", True), ("Interrupt", False)]:
            raw(server, method, payload, streaming)
    assert spark.range(2).count() == 2


def test_requests_with_parts_left_out(server, spark):
    connect = stub(server)
    for request in [base_pb2.ExecutePlanRequest(), base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4())),
                    base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()), plan=base_pb2.Plan())]:
        harness.raises(grpc.RpcError, lambda: list(connect.ExecutePlan(request)))
    harness.raises(grpc.RpcError, lambda: connect.AnalyzePlan(base_pb2.AnalyzePlanRequest(session_id=str(uuid.uuid4()))))
    harness.raises(grpc.RpcError, lambda: connect.Config(base_pb2.ConfigRequest(session_id=str(uuid.uuid4()))))
    assert spark.range(2).count() == 2


def test_mutated_plans(server, spark):
    frame = (spark.range(10).withColumn("k", F.col("id") % 3).groupBy("k").agg(F.sum("id").alias("s")).filter("s > 1").orderBy("k").limit(2)
             .union(spark.sql("SELECT 1 AS k, 2 AS s")))
    plan = frame._plan.to_proto(spark._client if hasattr(spark, "_client") else spark.client)
    good = base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()), plan=plan).SerializeToString()
    rng = random.Random(2)
    for i in range(300):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 8)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        raw(server, "ExecutePlan", bytes(bad), True)
    assert spark.range(2).count() == 2


def test_a_deep_plan(server, spark):
    connect = stub(server)
    for depth in [400, 5000]:
        # Built from the inside out as bytes: Relation{filter{input: …}}; the client's own protobuf refuses to nest so deep.
        def field(number, body):
            out, size = bytearray([number << 3 | 2]), len(body)
            while size >= 0x80:
                out.append(size & 0x7F | 0x80)
                size >>= 7
            out.append(size)
            return bytes(out) + body
        inner = base_pb2.Plan()
        inner.root.range.end = 1
        inner.root.range.step = 1
        relation = inner.root.SerializeToString()
        for _ in range(depth):
            relation = field(8, field(1, relation) + b"\x10\x01")  # limit 1
        request = base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4())).SerializeToString() + field(3, field(1, relation))
        answer = raw(server, "ExecutePlan", request, True)
        if depth == 5000:
            assert isinstance(answer, grpc.RpcError), answer
            assert "CONNECT_INVALID_PLAN" in answer.details(), answer.details()
    assert spark.range(2).count() == 2


def test_parentheses_without_end(spark):
    for text in ["SELECT " + "(" * 20000 + "1" + ")" * 20000, "SELECT " + "(" * 40000, "SELECT " + "1+" * 50000 + "1", "SELECT " + "NOT " * 50000 + "true",
                 "SELECT " + "CASE WHEN true THEN " * 20000, "SELECT '" + "x" * 3000000]:
        try:
            spark.sql(text).collect()
        except PySparkException:
            pass
    assert spark.range(2).count() == 2


def test_a_long_chain_of_columns(spark):
    frame = spark.range(1)
    for i in range(150):
        frame = frame.withColumn(f"c{i}", F.lit(i))
    assert len(frame.collect()[0]) == 151


def test_a_schema_nested_without_end(spark):
    harness.raises(PySparkException, lambda: spark.createDataFrame([], "a " + "array<" * 20000 + "int" + ">" * 20000))
    assert spark.range(2).count() == 2


def test_broken_arrow_data(server, spark):
    connect = stub(server)
    plan = base_pb2.Plan()
    plan.root.local_relation.data = os.urandom(1000)
    harness.raises(grpc.RpcError, lambda: list(connect.ExecutePlan(base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()), plan=plan))), "Arrow")
    import pyarrow as pa
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([pa.array(["one", "two"]), pa.array([1, 2])], names=["s", "n"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    good = sink.getvalue().to_pybytes()
    rng = random.Random(3)
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 5)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        plan.root.local_relation.data = bytes(bad)
        try:
            list(connect.ExecutePlan(base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()), plan=plan), timeout=20))
        except grpc.RpcError:
            pass
    assert spark.range(2).count() == 2


def test_broken_compression(server, spark):
    connect = stub(server)
    for data in [b"", b"\x28\xb5\x2f\xfd", os.urandom(100)]:
        plan = base_pb2.Plan()
        plan.compressed_operation.data = data
        plan.compressed_operation.op_type = 1
        plan.compressed_operation.compression_codec = 1
        harness.raises(grpc.RpcError, lambda: list(connect.ExecutePlan(base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()), plan=plan))),
                       "CONNECT_INVALID_PLAN")
    assert spark.range(2).count() == 2


def test_another_operation_of_the_same_id(server):
    connect = stub(server)
    plan = base_pb2.Plan()
    plan.root.range.end = 3
    plan.root.range.step = 1
    request = base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()), operation_id=str(uuid.uuid4()), plan=plan)
    request.request_options.add().reattach_options.reattachable = True
    answers = list(connect.ExecutePlan(request))
    assert answers[-1].HasField("result_complete")
    harness.raises(grpc.RpcError, lambda: list(connect.ExecutePlan(request)), "OPERATION_ALREADY_EXISTS")
    # A client that lost its connection after the first answer gets the rest.
    again = base_pb2.ReattachExecuteRequest(session_id=request.session_id, operation_id=request.operation_id, last_response_id=answers[0].response_id)
    assert [answer.response_id for answer in connect.ReattachExecute(again)] == [answer.response_id for answer in answers[1:]]
    again.last_response_id = str(uuid.uuid4())
    harness.raises(grpc.RpcError, lambda: list(connect.ReattachExecute(again)), "INVALID_CURSOR.POSITION_NOT_FOUND")
    release = base_pb2.ReleaseExecuteRequest(session_id=request.session_id, operation_id=request.operation_id)
    release.release_all.SetInParent()
    connect.ReleaseExecute(release)
    connect.ReleaseExecute(release)
    harness.raises(grpc.RpcError, lambda: list(connect.ReattachExecute(again)), "INVALID_HANDLE.OPERATION_ABANDONED")


if __name__ == "__main__":
    harness.main(globals())

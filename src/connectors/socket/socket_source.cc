#include "connectors/socket/socket_source.h"

#include <charconv>

#include "connectors/api/source.h"
#include "connectors/socket/line_client.h"
#include "formats/column_builder.h"
#include "formats/json_scanner.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr ErrorClass kNoHost{"_LEGACY_ERROR_TEMP_1295", "", ExceptionKind::kAnalysis, "Set a host to read from with option(\"host\", ...)."};
constexpr ErrorClass kNoPort{"_LEGACY_ERROR_TEMP_1296", "", ExceptionKind::kAnalysis, "Set a port to read from with option(\"port\", ...)."};
constexpr ErrorClass kBadTimestamp{"_LEGACY_ERROR_TEMP_1297", "", ExceptionKind::kAnalysis, "IncludeTimestamp must be set to either \"true\" or \"false\"."};
constexpr ErrorClass kLinesLost{
    "MILLSTREAM_SOCKET_LINES_LOST", "58030", ExceptionKind::kSpark,
    "Batch up to line <line> was not finished when the query ended, and a socket cannot be read again. Start with a new checkpoint."};

struct SocketConf {
  std::string host;
  int port = 0;
  StructType schema;
};

// An offset is the number of the last line, -1 before the first, as Spark's LongOffset.
Result<int64_t> Decode(const StreamOffset& offset) {
  int64_t line = 0;
  auto [end, error] = std::from_chars(offset.json.data(), offset.json.data() + offset.json.size(), line);
  if (error != std::errc() || end != offset.json.data() + offset.json.size())
    return Status::IllegalArgument("'" + offset.json + "' is not an offset of the socket source.");
  return line;
}

class SocketSource : public Source {
 public:
  SocketSource(SocketConf conf, std::unique_ptr<LineClient> client) : conf_(std::move(conf)), client_(std::move(client)) {}
  const StructType& schema() const override { return conf_.schema; }
  const StructType& metadata_schema() const override { return none_; }
  std::string description() const override { return "TextSocketV2[host: " + conf_.host + ", port: " + std::to_string(conf_.port) + "]"; }

  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit&) override {
    int64_t after = -1;
    if (start) {
      MS_ASSIGN_OR_RETURN(after, Decode(*start));
    }
    // A new connection begins where the checkpoint is.
    if (!base_) base_ = after + 1;
    const int64_t last = *base_ + client_->count() - 1;
    if (last <= after) return std::optional<StreamOffset>();
    return std::optional(StreamOffset{std::to_string(last)});
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override {
    int64_t after = -1;
    if (start) {
      MS_ASSIGN_OR_RETURN(after, Decode(*start));
    }
    MS_ASSIGN_OR_RETURN(int64_t through, Decode(end));
    if (!base_) return Status::Error(kLinesLost, {{"line", std::to_string(through)}});
    const std::vector<ReceivedLine> lines = client_->Lines(after + 1 - *base_, through + 1 - *base_);
    if (static_cast<int64_t>(lines.size()) != through - after) return Status::Error(kLinesLost, {{"line", std::to_string(through)}});
    rows_ = through - after;
    StructType wanted;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const std::string& column : needs.columns) {
      std::optional<size_t> at = conf_.schema.IndexOf(column, true);
      if (!at) return Status::Internal("no column " + column + " in the socket source");
      wanted.Add(conf_.schema[*at]);
      ColumnBuilder builder(conf_.schema[*at].type);
      for (const ReceivedLine& line : lines) {
        if (*at == 0) {
          builder.AppendBytes(ValidUtf8(line.text));
        } else {
          builder.AppendFixed(line.at_ms * 1000);
        }
      }
      columns.push_back(builder.Finish());
    }
    ArrowSchemaPtr schema = ToArrowSchema(wanted);
    std::vector<RecordBatchPtr> batches = {arrow::RecordBatch::Make(schema, rows_, std::move(columns))};
    return MakeRowStream(std::move(schema), std::move(batches));
  }
  Status Commit(const StreamOffset& end) override {
    MS_ASSIGN_OR_RETURN(int64_t through, Decode(end));
    if (base_) client_->Release(through + 1 - *base_);
    return Status();
  }
  int64_t rows_read() const override { return rows_; }

 private:
  const SocketConf conf_;
  const StructType none_;
  std::unique_ptr<LineClient> client_;
  std::optional<int64_t> base_;  // the number of the connection's first line
  int64_t rows_ = 0;
};

class SocketRelation : public StreamingRelationSource {
 public:
  SocketRelation(SocketConf conf, Clock& clock) : conf_(std::move(conf)), clock_(clock) {}
  std::string name() const override { return "socket"; }
  const StructType& schema() const override { return conf_.schema; }
  Result<std::unique_ptr<Source>> CreateSource(const std::string&) const override {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<LineClient> client, LineClient::Connect(conf_.host, conf_.port, clock_));
    return std::unique_ptr<Source>(std::make_unique<SocketSource>(conf_, std::move(client)));
  }

 private:
  const SocketConf conf_;
  Clock& clock_;
};

}  // namespace

const OptionTable& SocketOptions() {
  static const OptionTable table("socket", {{"host", OptionType::kString, "", "The server's name or address.", "0.2"},
                                            {"port", OptionType::kString, "", "Its port.", "0.2"},
                                            {"includeTimestamp", OptionType::kString, "false", "A second column says when each line came.", "0.2"}});
  return table;
}

Result<RelationSourcePtr> OpenSocket(const OptionMap& options, Clock& clock) {
  MS_ASSIGN_OR_RETURN(OptionValues values, SocketOptions().ParseKnown(options));
  std::optional<std::string> host = values.String("host"), port = values.String("port");
  if (!host) return Status::Error(kNoHost);
  if (!port) return Status::Error(kNoPort);
  SocketConf conf{.host = *host, .port = 0, .schema = StructType({{"value", DataType::String()}})};
  auto [end, error] = std::from_chars(port->data(), port->data() + port->size(), conf.port);
  if (error != std::errc() || end != port->data() + port->size() || conf.port < 1 || conf.port > 65535)
    return Status::IllegalArgument("For input string: \"" + *port + "\"");
  std::optional<bool> with_timestamp = ParseBool(*values.String("includeTimestamp"));
  if (!with_timestamp) return Status::Error(kBadTimestamp);
  if (*with_timestamp) conf.schema.Add({"timestamp", DataType::Timestamp()});
  return RelationSourcePtr(std::make_shared<SocketRelation>(std::move(conf), clock));
}

}  // namespace millstream

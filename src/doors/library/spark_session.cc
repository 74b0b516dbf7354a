#include "base/clock.h"
#include "doors/library/library_session.h"
#include "plan/sql/parser.h"

namespace millstream::sql {

void ThrowIfError(const Status& status) {
  if (status.ok()) return;
  throw SparkException(std::string(status.error_class().name), std::string(status.error_class().sql_state), status.message());
}

SparkSession::Builder& SparkSession::Builder::warehouse(std::string directory) {
  warehouse_ = std::move(directory);
  return *this;
}
SparkSession::Builder& SparkSession::Builder::config(std::string key, std::string value) {
  config_[std::move(key)] = std::move(value);
  return *this;
}
SparkSession::Builder& SparkSession::Builder::threads(int threads) {
  threads_ = threads;
  return *this;
}

SparkSession::Builder& SparkSession::Builder::testing() {
  testing_ = true;
  return *this;
}

SparkSession SparkSession::Builder::getOrCreate() const {
  auto state = std::make_shared<SessionState>();
  state->engine = ValueOrThrow(Engine::Open({.warehouse = warehouse_, .threads = threads_, .testing = testing_}));
  state->session = state->engine->NewSession("");
  for (const auto& [key, value] : config_) ThrowIfError(state->session->SetConf(key, value));
  return SparkSession(std::move(state));
}

DataFrame SparkSession::sql(const std::string& text) const {
  Statement statement = ValueOrThrow(ParseStatement(text));
  if (auto* plan = std::get_if<PlanPtr>(&statement)) return DataFrame(session_, std::move(*plan));
  QueryResult result = ValueOrThrow(session_->session->ExecuteCommand(std::get<Command>(statement)));
  LocalRelation answer{.schema = result.schema};
  if (result.rows) answer.batches = ValueOrThrow(Drain(*result.rows));
  return DataFrame(session_, MakePlan(std::move(answer)));
}

void SparkSession::setConf(const std::string& key, const std::string& value) const { ThrowIfError(session_->session->SetConf(key, value)); }
std::optional<std::string> SparkSession::getConf(const std::string& key) const { return session_->session->GetConf(key); }
void SparkSession::stop() const { session_->session->StopAllQueries(); }

}  // namespace millstream::sql

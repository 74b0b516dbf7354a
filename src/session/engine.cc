#include "session/local_session.h"

namespace millstream {
namespace {

class LocalEngine : public Engine {
 public:
  explicit LocalEngine(std::shared_ptr<EngineState> state) : state_(std::move(state)) {}
  ~LocalEngine() override { Shutdown(); }
  std::shared_ptr<Session> NewSession(std::string user) override { return std::make_shared<LocalSession>(state_, std::move(user)); }
  void Shutdown() override {
    state_->streams.StopAll();
    state_->delta.Drain();
  }

 private:
  std::shared_ptr<EngineState> state_;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(EngineOptions options) {
  MS_ASSIGN_OR_RETURN(options.warehouse, PathFromUri(options.warehouse.empty() ? "spark-warehouse" : options.warehouse));
  if (options.threads <= 0) return Status::IllegalArgument("threads must be positive");
  auto state = std::make_shared<EngineState>(std::move(options));
  MS_RETURN_IF_ERROR(state->warehouse.Create());
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(std::move(state)));
}

}  // namespace millstream

// retry_parser.cc   RETRY QUARANTINE.

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"

namespace millstream {

// RETRY QUARANTINE q [OPTIONS ('k' = 'v', …)] [WHERE condition]
Result<Statement> SqlParser::ParseRetryQuarantine() {
  cursor_.Advance();
  cursor_.Advance();
  RetryQuarantine retry;
  MS_ASSIGN_OR_RETURN(retry.table, ParseName());
  if (cursor_.TakeWord("OPTIONS")) {
    MS_ASSIGN_OR_RETURN(auto options, ParseProperties());
    retry.options = OptionMap(options.begin(), options.end());
  }
  if (cursor_.TakeWord("WHERE")) {
    MS_ASSIGN_OR_RETURN(retry.condition, ParseExpression());
  }
  return Statement(Command{std::move(retry)});
}

}  // namespace millstream

// copy_parser.cc   COPY INTO, as Databricks writes it.

#include <algorithm>

#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"

namespace millstream {

// COPY INTO t [BY POSITION | (a, b)] FROM {source | (SELECT … FROM source)} FILEFORMAT = f clauses…
Result<Statement> SqlParser::ParseCopyInto() {
  cursor_.Advance();
  cursor_.Advance();
  CopyInto copy;
  MS_ASSIGN_OR_RETURN(copy.table, ParseName());
  if (cursor_.AtWord("WITH") && cursor_.AtSymbol("(", 1)) {
    return Unsupported("COPY INTO <table> WITH (CREDENTIAL …)", "The table is written on this machine, as the program's own user: leave the clause out.");
  }
  if (cursor_.TakeWords("BY", "POSITION")) {
    copy.by_position = true;
  } else if (cursor_.AtSymbol("(")) {
    MS_ASSIGN_OR_RETURN(copy.columns, ParseNameList());
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("FROM"));
  if (cursor_.TakeSymbol("(")) {
    if (!cursor_.AtWord("SELECT")) return cursor_.SyntaxError();
    copy_ = &copy;
    Result<PlanPtr> query = ParseQuery();
    copy_ = nullptr;
    if (!query.ok()) return query.status();
    copy.query = std::move(*query);
    // A SELECT that reads no files would be an INSERT.
    if (copy.source.empty()) return cursor_.SyntaxError();
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  } else {
    MS_RETURN_IF_ERROR(ParseCopySource(copy));
  }
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("FILEFORMAT"));
  cursor_.TakeSymbol("=");
  if (cursor_.Peek().kind == TokenKind::kString) {
    MS_ASSIGN_OR_RETURN(copy.format, cursor_.ExpectString());
  } else {
    MS_ASSIGN_OR_RETURN(copy.format, cursor_.ExpectName());
  }
  std::vector<std::string> seen;
  while (!cursor_.AtEnd() && !cursor_.AtSymbol(";")) MS_RETURN_IF_ERROR(ParseCopyClause(copy, seen));
  return Statement(Command{std::move(copy)});
}

// "'path' [WITH ([CREDENTIAL name | (k = v, …)] [ENCRYPTION (k = v, …)])]". A back-quoted path is a path too.
Status SqlParser::ParseCopySource(CopyInto& copy) {
  const Token at = cursor_.Peek();
  if (at.kind == TokenKind::kQuotedName) {
    MS_ASSIGN_OR_RETURN(copy.source, cursor_.ExpectName());
  } else if (at.kind == TokenKind::kString) {
    MS_ASSIGN_OR_RETURN(copy.source, cursor_.ExpectString());
  } else {
    return cursor_.SyntaxError();
  }
  if (copy.source.empty()) return cursor_.ErrorAt(at, errors::kIllegalArgument, {{"message", "COPY INTO: the path of the source is empty."}});
  if (!cursor_.AtWord("WITH") || !cursor_.AtSymbol("(", 1)) return Status();
  cursor_.Advance();
  cursor_.Advance();
  while (!cursor_.AtSymbol(")")) {
    if (!copy.has_credential && cursor_.TakeWord("CREDENTIAL")) {
      copy.has_credential = true;
      MS_RETURN_IF_ERROR(cursor_.AtSymbol("(") ? ParseProperties().status() : cursor_.ExpectName().status());
    } else if (!copy.has_encryption && cursor_.TakeWord("ENCRYPTION")) {
      copy.has_encryption = true;
      MS_RETURN_IF_ERROR(ParseProperties().status());
    } else {
      return cursor_.SyntaxError();
    }
  }
  return cursor_.ExpectSymbol(")");
}

Status SqlParser::ParseCopyClause(CopyInto& copy, std::vector<std::string>& seen) {
  const Token at = cursor_.Peek();
  auto take = [&](const char* word) {
    if (!cursor_.TakeWord(word)) return false;
    seen.emplace_back(word);
    return true;
  };
  if (take("VALIDATE")) {
    MS_RETURN_IF_ERROR(ParseCopyValidation(copy));
  } else if (take("FILES")) {
    cursor_.TakeSymbol("=");
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
    if (cursor_.AtWord("SELECT") || cursor_.AtWord("WITH")) {
      MS_ASSIGN_OR_RETURN(copy.files_query, ParseQuery());
    } else {
      do {
        MS_ASSIGN_OR_RETURN(std::string file, cursor_.ExpectString());
        copy.files.push_back(std::move(file));
      } while (cursor_.TakeSymbol(","));
    }
    MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  } else if (take("PATTERN")) {
    cursor_.TakeSymbol("=");
    MS_ASSIGN_OR_RETURN(copy.pattern, cursor_.ExpectString());
  } else if (take("FORMAT_OPTIONS")) {
    MS_ASSIGN_OR_RETURN(auto options, ParseProperties());
    copy.format_options = OptionMap(options.begin(), options.end());
  } else if (take("COPY_OPTIONS")) {
    MS_ASSIGN_OR_RETURN(auto options, ParseProperties());
    for (auto& [name, value] : options) copy.copy_options[name] = value;
  } else if (cursor_.AtWord("CREDENTIAL") || cursor_.AtWord("CREDENTIALS")) {
    return cursor_.ErrorAt(at, errors::kCopyIntoCredentialSyntax, {{"path", copy.source}});
  } else if (cursor_.AtWord("ENCRYPTION")) {
    return cursor_.ErrorAt(at, errors::kCopyIntoEncryptionSyntax, {{"path", copy.source}});
  } else {
    return cursor_.SyntaxError();
  }
  if (std::count(seen.begin(), seen.end(), seen.back()) > 1) return cursor_.ErrorAt(at, errors::kDuplicateClauses, {{"clauseName", seen.back()}});
  // Which of the two would count is nothing to guess.
  const bool names_files = !copy.files.empty() || copy.files_query != nullptr;
  if (names_files && copy.pattern) return cursor_.ErrorAt(at, errors::kDuplicateClauses, {{"clauseName", "FILES, PATTERN"}});
  return Status();
}

// "VALIDATE", "VALIDATE ALL", "VALIDATE 15 ROWS".
Status SqlParser::ParseCopyValidation(CopyInto& copy) {
  copy.validates = true;
  if (cursor_.TakeWord("ALL")) return Status();
  const Token at = cursor_.Peek();
  const bool is_negative = cursor_.AtSymbol("-");
  const Token& number = cursor_.Peek(is_negative ? 1 : 0);
  if (number.kind < TokenKind::kInteger || number.kind > TokenKind::kBigDecimal) return is_negative ? cursor_.SyntaxError() : Status();
  const std::string written = (is_negative ? "-" : "") + std::string(cursor_.Text(number));
  if (is_negative || number.kind != TokenKind::kInteger) return cursor_.ErrorAt(at, errors::kCopyIntoValidateRows, {{"rows", written}});
  MS_ASSIGN_OR_RETURN(int64_t rows, cursor_.ExpectInteger());
  if (rows <= 0) return cursor_.ErrorAt(at, errors::kCopyIntoValidateRows, {{"rows", written}});
  copy.validated_rows = rows;
  return cursor_.ExpectWord("ROWS");
}

}  // namespace millstream

#include "connectors/files/file_proof.h"

#include <fmt/format.h>

#include <charconv>
#include <deque>
#include <nlohmann/json.hpp>

namespace millstream {
namespace {

// Names of a directory that are looked at together; as many findings may wait to be read.
constexpr int64_t kNamesAtOnce = 20'000;
constexpr std::string_view kNoteVersion = "1\n";
// Has a line more: startAfter, percent-encoded.
constexpr char kNoteVersionWithStart[] = "2\n";

bool IsPartitionName(std::string_view name) {
  const size_t equals = name.find('=');
  return equals != std::string_view::npos && equals > 0;
}

// All directories between `base` and `directory` are partitions.
bool IsPartition(std::string_view base, std::string_view directory) {
  if (directory.size() <= base.size()) return true;
  std::string_view rest = directory.substr(base == "/" ? 0 : base.size());
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (!IsPartitionName(name)) return false;
    rest.remove_prefix(name.size());
  }
  return true;
}

class ProofRows : public ReportRows {
 public:
  ProofRows(const FileProof& proof, std::unique_ptr<KnownFiles> known)
      : proof_(proof), fs_(proof.fs), known_(std::move(known)), is_over_source_(!proof.source.has_value()) {}

  Status Begin() {
    if (!proof_.source) return Status();
    options_ = {
        .glob = proof_.source->glob, .name_filter = proof_.source->name_filter, .start_after = proof_.source->start_after, .names_at_once = kNamesAtOnce};
    lister_ = std::make_unique<FileLister>(fs_, options_, nullptr);
    return Status();
  }

  Result<std::optional<ReportRow>> Next() override {
    while (found_.empty() && !is_over_) MS_RETURN_IF_ERROR(Step());
    if (found_.empty()) return std::optional<ReportRow>();
    ReportRow row = std::move(found_.front());
    found_.pop_front();
    return std::optional<ReportRow>(std::move(row));
  }

 private:
  Status Step() {
    if (!is_over_source_) return ListOn();
    if (!is_over_directories_) return NextKnownDirectory();
    MS_RETURN_IF_ERROR(ProveRows());
    MS_RETURN_IF_ERROR(Summarize());
    is_over_ = true;
    return Status();
  }

  // ---- the source, from its top

  Status ListOn() {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister_->Next());
    if (!listed) {
      is_over_source_ = true;
      return Status();
    }
    if (proof_.source->partitions_only && !IsPartition(proof_.source->glob.base(), listed->path)) {
      MS_RETURN_IF_ERROR(known_->Seek(listed->path, ""));
      if (!known_->valid()) return Status();
    }
    MS_RETURN_IF_ERROR(MergePart(*listed));
    return listed->is_last ? LookForGone(listed->path) : Status();
  }

  // ---- directories of which the listing does not tell, or all of them when there is no source

  Status NextKnownDirectory() {
    MS_ASSIGN_OR_RETURN(std::optional<std::string> directory, known_->DirectoryAfter(directory_));
    if (!directory) {
      is_over_directories_ = true;
      return Status();
    }
    directory_ = *std::move(directory);
    MS_ASSIGN_OR_RETURN(bool exists, fs_.Exists(directory_));
    if (!exists) return LookForGone(directory_);
    if (proof_.source) return Status();  // listed, or outside of the source
    MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(EscapeGlob(directory_), PathGlob::Mode::kStrict));
    const ListerOptions options{.glob = std::move(glob), .names_at_once = kNamesAtOnce};
    FileLister lister(fs_, options, nullptr);
    for (;;) {
      MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
      if (!listed || listed->path != directory_) break;
      MS_RETURN_IF_ERROR(MergePart(*listed));
      if (listed->is_last) break;
    }
    return LookForGone(directory_);
  }

  // A path is no pattern.
  static std::string EscapeGlob(std::string_view path) {
    std::string escaped;
    for (char c : path) {
      if (std::string_view("*?[]{}\\").find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
    return escaped;
  }

  // ---- one directory

  Status MergePart(const ListedDirectory& listed) {
    if (listed.names.size() == 0) return Status();
    MS_RETURN_IF_ERROR(known_->Seek(listed.path, listed.names[0]));
    for (size_t i = 0; i < listed.names.size(); ++i) {
      const std::string_view name = listed.names[i];
      while (known_->valid() && known_->name() < name) MS_RETURN_IF_ERROR(known_->Next());
      const bool is_known = known_->valid() && known_->name() == name;
      const std::string path = JoinPath(listed.path, name);
      Result<FileInfo> info = fs_.Stat(path);
      if (!info.ok() && info.status().Is(errors::kFileNotFound)) continue;
      MS_RETURN_IF_ERROR(info.status());
      if (is_known) {
        ++listed_;
        ++met_in_directory_;
        MS_ASSIGN_OR_RETURN(FileStanding file, known_->file());
        Compare(path, *info, file);
      } else if (IsWanted(*info)) {
        ++listed_;
        Tell("MISSING", path, "it is not known: the next load takes it");
      }
    }
    return Status();
  }

  // A file that is not there any more would have been listed.
  bool IsOfSource(const std::string& path) const {
    if (!proof_.source) return true;
    const std::string& base = proof_.source->glob.base();
    const bool is_below = path == base || base == "/" || (path.starts_with(base) && path[base.size()] == '/');
    if (!is_below || !proof_.source->glob.MatchesFile(path)) return false;
    if (!PassesStartKey(proof_.source->start_after, path)) return false;
    return !proof_.source->name_filter || proof_.source->name_filter->Matches(BaseName(path));
  }

  bool IsWanted(const FileInfo& info) const {
    if (!info.is_regular || info.size_bytes == 0) return false;  // without bytes it waits
    if (!proof_.source) return true;
    if (proof_.source->modified_after_ns && info.modified_ns <= *proof_.source->modified_after_ns) return false;
    return !proof_.source->modified_before_ns || info.modified_ns < *proof_.source->modified_before_ns;
  }

  void Compare(const std::string& path, const FileInfo& info, const FileStanding& file) {
    switch (file.state) {
      case FileStanding::State::kWaiting:
        if (info.size_bytes > 0) Tell("MISSING", path, file.why);
        return;
      case FileStanding::State::kUnwanted:
        ++matched_;
        return;
      case FileStanding::State::kLoaded:
        break;
    }
    if (info.size_bytes != file.size_bytes) {
      Tell("CHANGED", path, "it had " + std::to_string(file.size_bytes) + " bytes when it was loaded, and has " + std::to_string(info.size_bytes));
    } else if (info.modified_ns != file.modified_ns) {
      Tell("CHANGED", path, "its time is another than when it was loaded");
    } else {
      ++matched_;
    }
  }

  // Whether all files that are known in a directory were met; if not, each of them is asked for.
  Status LookForGone(const std::string& directory) {
    const int64_t met = std::exchange(met_in_directory_, 0);
    int64_t known = 0;
    MS_RETURN_IF_ERROR(known_->Seek(directory, ""));
    for (; known_->valid(); ++known) MS_RETURN_IF_ERROR(known_->Next());
    if (known == met) return Status();
    MS_RETURN_IF_ERROR(known_->Seek(directory, ""));
    while (known_->valid()) {
      const std::string path = JoinPath(directory, known_->name());
      MS_ASSIGN_OR_RETURN(FileStanding file, known_->file());
      MS_RETURN_IF_ERROR(known_->Next());
      if (!IsOfSource(path)) continue;
      MS_ASSIGN_OR_RETURN(bool is_cleaned, known_->IsCleaned(file));
      MS_ASSIGN_OR_RETURN(bool exists, fs_.Exists(path));
      if (exists) continue;
      cleaned_ += is_cleaned;
      if (is_cleaned || file.state == FileStanding::State::kUnwanted) continue;
      Tell("GONE", path, file.state == FileStanding::State::kLoaded ? "its rows are loaded" : "it was never loaded: " + file.why);
    }
    return Status();
  }

  // ---- rows

  Status ProveRows() {
    if (!proof_.loads) return Status();
    MS_ASSIGN_OR_RETURN(std::vector<ProvenLoad> loads, proof_.loads());
    for (const ProvenLoad& load : loads) {
      if (!load.ledger_rows || !load.source_rows || !load.rows_in_table) continue;
      if (*load.ledger_rows == *load.source_rows && *load.source_rows == *load.rows_in_table) {
        ++loads_proven_;
        rows_proven_ += *load.ledger_rows;
        continue;
      }
      Tell("ROWS_DIFFER", load.commit_path,
           "version " + std::to_string(load.version) + ": the ledger has " + std::to_string(*load.ledger_rows) + " rows of its files, the commit says that " +
               std::to_string(*load.source_rows) + " were read, and its data files hold " + std::to_string(*load.rows_in_table));
    }
    return Status();
  }

  Status Summarize() {
    MS_ASSIGN_OR_RETURN(KnownFiles::Totals totals, known_->Total());
    nlohmann::ordered_json counts = {{"findings", findings_},     {"files_listed", listed_},   {"files_known", totals.files},  {"files_loaded", totals.loaded},
                                     {"files_matched", matched_}, {"files_cleaned", cleaned_}, {"rows_in_ledger", totals.rows}};
    if (proof_.loads) {
      counts["loads_proven"] = loads_proven_;
      counts["rows_proven"] = rows_proven_;
    }
    found_.push_back({"VERIFIED", proof_.subject, counts.dump()});
    return Status();
  }

  void Tell(const char* finding, const std::string& path, std::string detail) {
    ++findings_;
    found_.push_back({finding, HadoopPathString(path), std::move(detail)});
  }

  const FileProof proof_;
  Fs& fs_;
  const std::unique_ptr<KnownFiles> known_;
  ListerOptions options_;
  std::unique_ptr<FileLister> lister_;
  std::string directory_;  // of the known ones, that was looked at last
  bool is_over_source_ = false, is_over_directories_ = false, is_over_ = false;
  std::deque<ReportRow> found_;
  int64_t met_in_directory_ = 0;
  int64_t findings_ = 0, listed_ = 0, matched_ = 0, cleaned_ = 0, loads_proven_ = 0, rows_proven_ = 0;
};

// Several sources, one after another.
class ProofsInTurn : public ReportRows {
 public:
  explicit ProofsInTurn(std::vector<FileProof> proofs) : proofs_(std::move(proofs)) {}
  Result<std::optional<ReportRow>> Next() override {
    for (;;) {
      if (rows_ == nullptr) {
        if (next_ == proofs_.size()) return std::optional<ReportRow>();
        const FileProof& proof = proofs_[next_++];
        MS_ASSIGN_OR_RETURN(std::unique_ptr<KnownFiles> known, proof.known());
        rows_ = std::make_unique<ProofRows>(proof, std::move(known));
        MS_RETURN_IF_ERROR(rows_->Begin());
      }
      MS_ASSIGN_OR_RETURN(std::optional<ReportRow> row, rows_->Next());
      if (row) return row;
      rows_.reset();
    }
  }

 private:
  const std::vector<FileProof> proofs_;
  size_t next_ = 0;
  std::unique_ptr<ProofRows> rows_;
};

}  // namespace

const StructType& FileProofSchema() {
  static const StructType schema({{"finding", DataType::String(), false}, {"path", DataType::String()}, {"detail", DataType::String(), false}});
  return schema;
}

RelationSourcePtr OpenFileProof(std::string name, std::vector<FileProof> proofs) {
  return MakeFileReport(std::move(name), FileProofSchema(), [proofs = std::move(proofs)]() -> Result<std::unique_ptr<ReportRows>> {
    return std::unique_ptr<ReportRows>(std::make_unique<ProofsInTurn>(proofs));
  });
}

std::string EncodeSourceNote(const std::string& pattern, PathGlob::Mode mode, const std::string& name_filter, std::optional<int64_t> modified_after_ns,
                             std::optional<int64_t> modified_before_ns, const std::string& start_after) {
  auto text = [](std::optional<int64_t> number) { return number ? std::to_string(*number) : std::string(); };
  return fmt::format("{}{}\n{}\n{}\n{}\n{}", start_after.empty() ? std::string(kNoteVersion) : kNoteVersionWithStart + EncodeUriPath(start_after) + "\n",
                     mode == PathGlob::Mode::kStrict ? "strict" : "loose", text(modified_after_ns), text(modified_before_ns), name_filter, pattern);
}

std::optional<ProofSource> DecodeSourceNote(std::string_view note) {
  const bool has_start = note.starts_with(kNoteVersionWithStart);
  if (!has_start && !note.starts_with(kNoteVersion)) return std::nullopt;
  note.remove_prefix(kNoteVersion.size());
  auto line = [&] {
    const std::string_view first = note.substr(0, note.find('\n'));
    note.remove_prefix(std::min(first.size() + 1, note.size()));
    return first;
  };
  ProofSource source;
  if (has_start) {
    source.start_after = DecodeUriPath(line());
  }
  const PathGlob::Mode mode = line() == "strict" ? PathGlob::Mode::kStrict : PathGlob::Mode::kLoose;
  for (std::optional<int64_t>* bound : {&source.modified_after_ns, &source.modified_before_ns}) {
    const std::string_view text = line();
    int64_t number = 0;
    if (text.empty()) continue;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) return std::nullopt;
    *bound = number;
  }
  if (const std::string_view filter = line(); !filter.empty()) {
    Result<NameGlob> glob = NameGlob::Parse(filter);
    if (!glob.ok()) return std::nullopt;
    source.name_filter = *std::move(glob);
  }
  // What is left is the path, in which there may be any byte.
  Result<PathGlob> glob = PathGlob::Parse(note, mode);
  if (!glob.ok()) return std::nullopt;
  source.glob = *std::move(glob);
  return source;
}

}  // namespace millstream

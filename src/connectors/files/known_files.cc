#include "connectors/files/known_files.h"

namespace millstream {
namespace {

class TableKnownFiles : public KnownFiles {
 public:
  explicit TableKnownFiles(TableLedgerPtr ledger) : ledger_(std::move(ledger)), cursor_(ledger_->NewCursor()) {}

  Status Seek(const std::string& directory, std::string_view name) override {
    prefix_ = ledger_run::PrefixOf(directory) + '\0';
    return cursor_.Seek(prefix_ + std::string(name));
  }
  bool valid() const override { return cursor_.valid() && cursor_.key().starts_with(prefix_); }
  std::string_view name() const override { return std::string_view(cursor_.key()).substr(prefix_.size()); }
  Status Next() override { return cursor_.Next(); }

  Result<FileStanding> file() override {
    MS_ASSIGN_OR_RETURN(LoadedFile loaded, cursor_.file());
    FileStanding known{.size_bytes = loaded.size_bytes, .modified_ns = loaded.modified_ns};
    switch (loaded.state) {
      case LoadedFile::State::kLoaded:
        break;
      case LoadedFile::State::kSkippedCorrupt:
        known.state = FileStanding::State::kWaiting;
        known.why = "it could not be read: " + loaded.first_error;
        break;
      case LoadedFile::State::kForgotten:
        known.state = FileStanding::State::kWaiting;
        known.why = "it was forgotten, and is new to the next load";
        break;
      case LoadedFile::State::kRemoved:
        known.state = FileStanding::State::kUnwanted;
        break;
      case LoadedFile::State::kUndone:
      case LoadedFile::State::kDuplicate:
      case LoadedFile::State::kExisting:
        known.state = FileStanding::State::kUnwanted;
        break;
    }
    return known;
  }

  Result<std::optional<std::string>> DirectoryAfter(const std::string& directory) override {
    TableLedger::Cursor cursor = ledger_->NewCursor();
    // Behind the directory's own files, whose keys go on with a NUL.
    MS_RETURN_IF_ERROR(cursor.Seek(directory.empty() ? std::string() : ledger_run::PrefixOf(directory) + '\1'));
    if (!cursor.valid()) return std::optional<std::string>();
    const std::string path = ledger_run::PathOf(cursor.key());
    return std::optional<std::string>(path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/')));
  }

  Result<bool> IsCleaned(const FileStanding&) override { return false; }

  Result<Totals> Total() override {
    Totals totals;
    TableLedger::Cursor cursor = ledger_->NewCursor();
    MS_RETURN_IF_ERROR(cursor.Seek(""));
    while (cursor.valid()) {
      MS_ASSIGN_OR_RETURN(LoadedFile file, cursor.file());
      ++totals.files;
      if (file.state == LoadedFile::State::kLoaded) {
        ++totals.loaded;
        totals.rows += file.rows;
      }
      MS_RETURN_IF_ERROR(cursor.Next());
    }
    return totals;
  }

 private:
  const TableLedgerPtr ledger_;
  TableLedger::Cursor cursor_;
  std::string prefix_;
};

}  // namespace

std::unique_ptr<KnownFiles> KnownFilesOf(TableLedgerPtr ledger) { return std::make_unique<TableKnownFiles>(std::move(ledger)); }

}  // namespace millstream

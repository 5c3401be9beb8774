#include "server/admin/backup_commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include "common/text.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/new_file.hpp"
#include "server/admin/record.hpp"
#include "server/ownership.hpp"
#include "server/store/backup.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::admin {
namespace {

using IfMissing = DataDirectory::IfMissing;

constexpr double kOctetsPerMebibyte = 1048576;

/// How far it is, for a person; ten times a second at most.
class Progress {
  public:
    ~Progress()
    {
        if (drawn_) std::cerr << "\r\033[K";
    }
    Progress() = default;
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void draw(std::int64_t done, std::int64_t all)
    {
        const auto now = std::chrono::steady_clock::now();
        if (!shown_ || now < next_) return;
        next_ = now + std::chrono::milliseconds(100);
        drawn_ = true;
        std::cerr << fmt::format("\r\033[K{:.0f} of {:.0f} MiB",
                                 static_cast<double>(done) / kOctetsPerMebibyte,
                                 static_cast<double>(all) / kOctetsPerMebibyte)
                  << std::flush;
    }

  private:
    bool shown_ = isatty(STDERR_FILENO) == 1;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point next_{};
};

/// In the audit before a single octet leaves; so it is in the backup too.  One of an older schema is made as
/// it is, before the upgrade, and nothing is written to that.
Location record_backup(const Options& options)
{
    try {
        auto installation = open_installation(options, IfMissing::refuse, Purpose::look);
        record(*installation.store, "backup");
        return {std::move(installation.settings), std::move(installation.directory),
                std::move(installation.lock)};
    } catch (const store::OlderSchema&) {
        return open_location(options, IfMissing::refuse);
    }
}

std::string keys_of(const store::BackedUp& made)
{
    auto key = auth::key_id_text(made.key_id);
    if (!made.retiring_key_id) return key;
    return key + " and " + auth::key_id_text(*made.retiring_key_id);
}

/// What it is worth depends on a key that is kept elsewhere: said each time.
void tell_of_the_key(const Location& location, const store::BackedUp& made)
{
    const auto where = DataDirectory::gets_master_key_from_credential()
                           ? std::string("systemd's credential")
                           : shell_word(location.directory.master_key());
    std::cerr << fmt::format(
        "the master key ({}) is not in it: keep a copy of {} apart from it; without that key nobody can use "
        "the "
        "backup\n",
        keys_of(made), where);
}

void confirm(const Options& options, const NewFile& file, const store::BackedUp& made, Output& output)
{
    const auto name = printable(file.path().string());
    if (!options.json) {
        return output.write(fmt::format("backup {}\nbytes {}\nschema-version {}\nmaster-key-id {}\n", name,
                                        made.octets, made.schema_version, keys_of(made)));
    }
    boost::json::object object{{"backup", name},
                               {"bytes", made.octets},
                               {"schema_version", made.schema_version},
                               {"master_key_id", auth::key_id_text(made.key_id)},
                               {"retiring_key_id", nullptr}};
    if (made.retiring_key_id) object["retiring_key_id"] = auth::key_id_text(*made.retiring_key_id);
    output.write_json(object);
    output.write("\n");
}

}  // namespace

void run(const Options& options, const Backup& command, Output& output)
{
    NewFile file(command.file);  // with the rights of whoever asked for it
    const auto location = record_backup(options);
    const auto made = [&] {
        Progress progress;
        return store::back_up(location.directory.database(), file.descriptor(), file.path(),
                              [&](std::int64_t done, std::int64_t all) { progress.draw(done, all); });
    }();
    file.sync();
    file.keep();
    confirm(options, file, made, output);
    output.flush();
    tell_of_the_key(location, made);
}

}  // namespace securelogin::admin

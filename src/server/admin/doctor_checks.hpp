// doctor_checks.hpp: the single looks that doctor takes.
//
// Each adds what it has found, good or bad, and throws nothing but want of memory: what cannot be looked at
// is a problem of its own.
#pragma once

#include <exception>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"
#include "server/config.hpp"
#include "server/data_directory.hpp"

namespace securelogin::admin {

struct Finding {
    enum class Level { ok, warning, problem } level = Level::ok;
    std::string check;        // `settings`, `database`, ...
    std::string what;         // one line
    std::string remedy = {};  // what to do; empty where nothing has to be done
};

using Findings = std::vector<Finding>;

/// Runs `look`; what it throws is a finding too.
template <typename Look>
void try_to_look(const char* check, Findings& findings, Look look)
{
    try {
        look();
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        findings.push_back({Finding::Level::problem, check, error.what()});
    }
}

/// What in them is allowed and not advised.
void check_settings(const Settings& settings, Findings& findings);
void check_data_directory(const DataDirectory& directory, Findings& findings);
void check_daemon(const DataDirectory& directory, Findings& findings);
/// The keys, where they are there and may be trusted.
[[nodiscard]] std::optional<auth::MasterKeySource> check_master_key(const DataDirectory& directory,
                                                                    Findings& findings);
/// The latest moment that the audit knows of, where it could be read.
[[nodiscard]] std::optional<auth::Time> check_database(const DataDirectory& directory,
                                                       const std::optional<auth::MasterKeySource>& keys,
                                                       const Settings& settings, Findings& findings);
void check_clock(auth::Time now, std::optional<auth::Time> newest_record, Findings& findings);
void check_certificate(const Settings& settings, const DataDirectory& directory, auth::Time now,
                       Findings& findings);
void check_disk(const DataDirectory& directory, Findings& findings);

}  // namespace securelogin::admin

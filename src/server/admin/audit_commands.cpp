#include "server/admin/audit_commands.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base64.hpp"
#include "common/text.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/naming.hpp"
#include "server/auth/audit_verifier.hpp"
#include "server/auth/time_text.hpp"
#include "server/store/kept_keys.hpp"

namespace securelogin::admin {
namespace {

constexpr std::string_view kHere = "showing the audit";

std::string hexadecimal(const auth::NameKey& key)
{
    std::string text;
    for (const auto byte : key) text += fmt::format("{:02x}", byte);
    return text;
}

/// `null` where there is nothing; escaped, for whoever tampers with the audit may write what they like.
boost::json::value text_or_null(const std::string& text)
{
    if (text.empty()) return nullptr;
    return boost::json::string(escaped(text));
}

boost::json::object entry_json(const auth::AuditEntry& entry)
{
    const auto& record = entry.record;
    boost::json::object object{{"id", entry.mark.id},
                               {"at", auth::to_rfc3339(record.at)},
                               {"event", escaped(record.event)},
                               {"outcome", escaped(record.outcome)},
                               {"reason", text_or_null(record.reason)},
                               {"username", text_or_null(entry.user_name)},
                               {"user_id", nullptr},
                               {"name", nullptr},
                               {"source", text_or_null(record.source)},
                               {"device", text_or_null(record.device)},
                               {"mac", to_base64(entry.mark.mac)}};
    // A string: programs that take numbers for floating point would make another one of it.
    if (record.user) object["user_id"] = std::to_string(static_cast<std::int64_t>(*record.user));
    if (record.name) object["name"] = "#" + hexadecimal(*record.name);
    return object;
}

/// Who it was about, as the log shows it.
std::string who(const auth::AuditEntry& entry)
{
    if (!entry.user_name.empty()) return escaped(entry.user_name);
    if (entry.record.user) return fmt::format("id:{}", static_cast<std::int64_t>(*entry.record.user));
    if (entry.record.name) return "#" + auth::short_form(*entry.record.name);
    return "-";
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : escaped(text); }

constexpr std::string_view kLine = "{:>8} {:<20} {:<20} {:<8} {:<15} {:<20} {}\n";

std::string entry_text(const auth::AuditEntry& entry)
{
    const auto& record = entry.record;
    return fmt::format(kLine, entry.mark.id, auth::to_rfc3339(record.at), or_dash(record.event),
                       or_dash(record.outcome), who(entry), or_dash(record.source), or_dash(record.reason));
}

store::KeptKeys kept_keys(const Installation& installation)
{
    return store::read_kept_keys(installation.directory.database(), installation.keys);
}

auth::AuditQuery query_of(const AuditShow& command, const Installation& installation)
{
    auth::AuditQuery query;
    if (command.user) {
        query.user = require_name(std::string(kHere), *command.user);
        query.name = kept_keys(installation).names(query.user->str());
    }
    if (command.since) query.since = moment(*command.since, auth::SystemClock().now());
    query.event = command.event;
    if (command.limit > 0) query.newest = command.limit;
    return query;
}

void show_json(auth::Reader& reader, const auth::AuditQuery& query, Output& output)
{
    std::string_view separator = "\n";
    output.write("[");
    reader.for_each_audit_entry(query, [&](const auth::AuditEntry& entry) {
        output.write(separator);
        output.write_json(entry_json(entry));
        separator = ",\n";
        return true;
    });
    output.write("\n]\n");
}

void show_text(auth::Reader& reader, const auth::AuditQuery& query, Output& output)
{
    output.write(fmt::format(kLine, "ID", "TIME", "EVENT", "OUTCOME", "USER", "SOURCE", "REASON"));
    reader.for_each_audit_entry(query, [&](const auth::AuditEntry& entry) {
        output.write(entry_text(entry));
        return true;
    });
}

boost::json::object findings_json(const auth::AuditFindings& findings)
{
    boost::json::object object{{"intact", !findings.fault.has_value()},
                               {"records", findings.records},
                               {"checkpoint", nullptr},
                               {"chained_from", findings.begin ? findings.begin->mark.id : 1},
                               {"restored", nullptr},
                               {"first_bad_record", nullptr},
                               {"what", nullptr}};
    if (findings.last.id > 0) object["checkpoint"] = to_text(findings.last);
    if (findings.restored) object["restored"] = findings.restored->mark.id;
    if (findings.fault) {
        object["first_bad_record"] = findings.fault->record;
        object["what"] = findings.fault->what;
    }
    return object;
}

auth::AuditFindings verify(const Installation& installation, const store::KeptKeys& keys,
                           const std::optional<auth::AuditMark>& checkpoint)
{
    auth::AuditVerifier verifier(keys.chain, checkpoint, keys.earlier);
    const auto reader = installation.store->open_reader();
    const auto head = reader->read_audit([&](const auth::AuditEntry& entry) { return verifier.take(entry); });
    return verifier.finish(head);
}

std::string findings_text(const auth::AuditFindings& findings)
{
    auto text = fmt::format("records {}\nintact yes\n", findings.records);
    if (findings.last.id > 0) text += fmt::format("checkpoint {}\n", to_text(findings.last));
    if (findings.begin) {
        text += fmt::format("chained-from {} {}, what stands before was written without a chain\n",
                            findings.begin->mark.id, auth::to_rfc3339(findings.begin->record.at));
    }
    if (findings.restored) {
        text += fmt::format("restored {} {}, {}: what was recorded there since the backup is not here\n",
                            findings.restored->mark.id, auth::to_rfc3339(findings.restored->record.at),
                            escaped(findings.restored->record.reason));
    }
    return text;
}

}  // namespace

void run(const Options& options, const AuditShow& command, Output& output)
{
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    const auto query = query_of(command, installation);
    const auto reader = installation.store->open_reader();
    options.json ? show_json(*reader, query, output) : show_text(*reader, query, output);
}

void run(const Options& options, const AuditExport& command, Output& output)
{
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    const auto reader = installation.store->open_reader();
    reader->for_each_audit_entry({.after = command.after}, [&](const auth::AuditEntry& entry) {
        output.write_json(entry_json(entry));
        output.write("\n");
        return true;
    });
}

void run(const Options& options, const AuditVerify& command, Output& output)
{
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    auto keys = kept_keys(installation);
    auto findings = verify(installation, keys, command.checkpoint);
    // The keys are from before the audit was read: where they have been rotated since, once more.
    if (auto now = kept_keys(installation); findings.fault && now.key_id != keys.key_id) {
        keys = std::move(now);
        findings = verify(installation, keys, command.checkpoint);
    }
    if (options.json) {
        output.write_json(findings_json(findings));
        output.write("\n");
        output.flush();
    }
    if (findings.fault) throw Failure(ExitCode::tampered, "verifying the audit: " + findings.fault->what);
    if (!options.json) output.write(findings_text(findings));
}

}  // namespace securelogin::admin

#include "server/admin/export_commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/new_file.hpp"
#include "server/admin/passphrase.hpp"
#include "server/admin/record.hpp"
#include "server/admin/sealed_export.hpp"
#include "server/auth/time_text.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::admin {
namespace {

using Sink = std::function<void(std::string_view)>;

constexpr std::size_t kJsonChunk = 1024;  // octets

/// stdout, or a file that is kept once all is in it.
class Destination {
  public:
    Destination(const std::optional<std::filesystem::path>& file, Output& output) : output_(output)
    {
        if (file) file_ = std::make_unique<NewFile>(*file);
    }

    void write(std::string_view octets) { file_ ? file_->append(octets) : output_.write(octets); }
    void finish()
    {
        if (!file_) return output_.flush();
        file_->sync();
        file_->keep();
    }
    [[nodiscard]] bool is_terminal() const { return !file_ && output_.is_terminal(); }

  private:
    Output& output_;
    std::unique_ptr<NewFile> file_;
};

void write_json(const boost::json::value& value, Secret& chunk, const Sink& sink)
{
    boost::json::serializer serializer;
    serializer.reset(&value);
    while (!serializer.done()) {
        const auto text = serializer.read(chunk.chars().data(), chunk.size());
        sink(std::string_view(text.data(), text.size()));
    }
}

void fill(boost::json::object& line, const auth::Credentials& credentials, const std::string& issuer)
{
    const auto& account = credentials.account;
    line["name"] = account.name.str();
    line["state"] = account.state == auth::AccountState::active ? "active" : "disabled";
    line["created_at"] = auth::to_rfc3339(account.created_at);
    line["password_set_at"] = auth::to_rfc3339(account.password_set_at);
    line["password_hash"] = credentials.phc.view();
    line["must_change_password"] = account.must_change;
    line["otpauth_uri"] = nullptr;
    if (!account.totp || !credentials.totp_secret) return;
    const auto uri =
        auth::key_uri(issuer, account.name.str(), *credentials.totp_secret, account.totp->parameters);
    line["otpauth_uri"] = uri.view();
    line["totp_enrolled_at"] = auth::to_rfc3339(account.totp->enrolled_at);
    line["totp_last_step"] = account.totp->last_step;
    line["totp_failures"] = account.totp->failures;
}

void write_accounts(const Installation& installation, const Sink& sink)
{
    Secret chunk(kJsonChunk);
    installation.store->open_reader()->for_each_credentials([&](const auth::Credentials& credentials) {
        JsonMemory memory;
        boost::json::value line(boost::json::object_kind, memory.storage());
        fill(line.get_object(), credentials, installation.settings.issuer);
        write_json(line, chunk, sink);
        sink("\n");
    });
}

void require_no_terminal(const Destination& destination)
{
    if (!destination.is_terminal()) return;
    throw Failure(ExitCode::usage,
                  "exporting: stdout is a terminal, and what is sealed is no text: name a file");
}

Descriptor open_export(const std::filesystem::path& file)
{
    Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (opened.is_open()) return opened;
    throw Failure(ExitCode::input_output,
                  "unsealing " + printable(file.string()) + ": " + std::generic_category().message(errno));
}

std::size_t read_some(const Descriptor& from, std::span<char> to, const std::filesystem::path& file)
{
    for (;;) {
        const auto count = ::read(from.get(), to.data(), to.size());
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno == EINTR) continue;
        throw Failure(ExitCode::input_output, "unsealing " + printable(file.string()) + ": " +
                                                  std::generic_category().message(errno));
    }
}

}  // namespace

void run(const Options& options, const Export& command, Output& output)
{
    // With the rights of whoever asked: the files are theirs.
    Destination destination(command.file, output);
    std::optional<Secret> passphrase;
    if (!command.plain) {
        require_no_terminal(destination);
        passphrase = take_new_passphrase(command.passphrase);
    }
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    record(*installation.store, "export", command.plain ? "plain" : "sealed");
    const Sink sink = [&](std::string_view octets) { destination.write(octets); };
    if (command.plain) {
        write_accounts(installation, sink);
    } else {
        auth::SystemRandom random;
        SealedWriter sealed(*passphrase, random, sink);
        write_accounts(installation, [&](std::string_view text) { sealed.write(text); });
        sealed.finish();
    }
    destination.finish();
    if (command.plain && isatty(STDERR_FILENO) == 1) {
        std::cerr << "whoever reads this can make everybody's codes, and guess at everybody's password: "
                     "remove it soon\n";
    }
}

void run(const Options&, const Unseal& command, Output& output)
try {
    const auto file = open_export(command.file);
    Destination destination(command.to, output);
    const auto passphrase = take_passphrase(command.passphrase);
    SealedReader sealed(passphrase, [&](std::span<char> to) { return read_some(file, to, command.file); });
    while (const auto piece = sealed.next()) destination.write(piece->view());
    destination.finish();
} catch (const ExportError& error) {
    throw Failure(ExitCode::refused, "unsealing " + printable(command.file.string()) + ": " + error.what());
}

}  // namespace securelogin::admin

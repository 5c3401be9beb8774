// page_samples DIRECTORY: writes every page, in every state, and what goes with it, for tests/browser/.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/server/web/sample_views.hpp"

namespace securelogin::web {
namespace {

constexpr const char* kRefused = "That did not match. Check all three, and try again.";
constexpr const char* kLogo =
    R"(<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="20" fill="#0b7a55"/>)"
    R"(<path d="M12 21l6 6 11-13" fill="none" stroke="#fff" stroke-width="4"/></svg>)";

class Samples {
  public:
    explicit Samples(std::filesystem::path directory) : directory_(std::move(directory))
    {
        std::filesystem::create_directories(directory_ / "assets");
    }
    void write(const std::string& name, std::string_view text) const
    {
        std::ofstream file(directory_ / name, std::ios::binary);
        if (!file.write(text.data(), static_cast<std::streamsize>(text.size())).flush())
            throw std::runtime_error("cannot write " + (directory_ / name).string());
    }

  private:
    std::filesystem::path directory_;
};

template <typename View>
View with(View view, Notice notice)
{
    view.notice = std::move(notice);
    return view;
}

void write_ways_in(const Samples& to, const Pages& pages)
{
    to.write("login.html", pages.login({.csrf = "c5f0", .name = "", .back = ""}));
    to.write("login-refused.html", pages.login(with(samples::login(), samples::problem(kRefused))));
    to.write("register-invited.html", pages.registration(samples::invited()));
    to.write("register-open-refused.html",
             pages.registration(
                 with(samples::stranger(), samples::problem("That password is too easy to guess."))));
    to.write("proof.html", pages.proof(samples::proof()));
    to.write("proof-new-key-refused.html",
             pages.proof(
                 with(samples::new_key(), samples::problem("That is not the code that the key gives now."))));
    to.write("recovery-codes.html", pages.recovery_codes(samples::recovery_codes()));
    to.write("logout.html", pages.logout(samples::logout()));
    to.write("logged-out.html", pages.message(samples::logged_out()));
    to.write("not-found.html", pages.message({.title = "No such page",
                                              .text = "There is nothing at this address.",
                                              .link = "",
                                              .link_text = ""}));
}

void write_accounts(const Samples& to, const Pages& pages)
{
    to.write("account.html", pages.account(samples::account()));
    to.write("account-must-change.html", pages.account(samples::must_change()));
    auto fresh = samples::account();
    fresh.last_login.clear();
    fresh.recovery_codes_left = -1;
    fresh.sessions.resize(1);
    fresh.devices.clear();
    to.write("account-new.html", pages.account(with(fresh, samples::done("Your account is ready."))));
    using Form = AccountView::Form;
    for (const auto& [name, form] :
         {std::pair{"sessions", Form::sessions}, std::pair{"devices", Form::devices},
          std::pair{"password", Form::password}, std::pair{"totp", Form::totp},
          std::pair{"codes", Form::recovery_codes}}) {
        auto view = with(samples::account(),
                         samples::problem("Nothing was changed: password or code did not match."));
        view.open = form;
        to.write(std::string("account-") + name + "-refused.html", pages.account(view));
    }
}

void write_samples(const std::filesystem::path& directory, const Branding& branding)
{
    const Samples to(directory);
    const Pages pages(branding);
    write_ways_in(to, pages);
    write_accounts(to, pages);
    to.write("assets/style.css", pages.style().octets);
    to.write("assets/script.js", pages.script().octets);
    if (branding.has_logo) to.write("assets/logo", kLogo);
}

}  // namespace
}  // namespace securelogin::web

int main(int argc, char** argv)
{
    using securelogin::web::write_samples;
    if (argc != 2) {
        std::cerr << "usage: page_samples DIRECTORY\n";
        return 64;
    }
    const std::filesystem::path directory(argv[1]);
    write_samples(directory / "own", {});
    write_samples(directory / "branded", {.name = "Example Ltd", .accent = "#ffd000", .has_logo = true});
    return 0;
}

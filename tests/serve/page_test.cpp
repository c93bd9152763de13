// The page at / in a real browser, by a server in between that adds a script to it.
#include "tests/browser.h"
#include "tests/serve/serve_fixture.h"

namespace sunder::serve {
namespace {

using nlohmann::json;

// Drops a recording of two tones and says what is seen then.
constexpr const char* probe = R"(
<script>
const violations = [];
document.addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI + ' ' + event.violatedDirective));
window.addEventListener('load', async () => {
  const until = async (what) => { for (let i = 0; i < 400 && !what(); ++i) await new Promise((done) => setTimeout(done, 25)); };
  const recording = await (await fetch('recording.wav')).blob(), transfer = new DataTransfer();
  transfer.items.add(new File([recording], 'two.wav', {type: 'audio/wav'}));
  document.dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, cancelable: true, bubbles: true}));
  const status = document.getElementById('status');
  await until(() => /separated in/.test(status.textContent) || status.className === 'bad');
  const verdict = {status: status.textContent, titles: [], players: [], pictures: [], links: [], violations};
  for (const heading of document.querySelectorAll('#result h2')) verdict.titles.push(heading.textContent);
  for (const player of document.querySelectorAll('#result audio')) {
    await until(() => player.readyState >= 1 || player.error);
    verdict.players.push(player.error ? player.error.message : player.duration);
  }
  for (const canvas of document.querySelectorAll('#result canvas')) {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, rows = [];
    for (let y = 0; y < canvas.height; ++y) rows.push(pixels[4 * (y * canvas.width + canvas.width / 2 | 0) + 1]);
    verdict.pictures.push({size: [canvas.width, canvas.height], shown: canvas.getBoundingClientRect().width,
                           brightest: canvas.height - 1 - rows.indexOf(Math.max(...rows))});
  }
  for (const link of document.querySelectorAll('#result a')) verdict.links.push([link.download, link.href.slice(0, 5)]);
  verdict.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  document.getElementById('sources').value = 'auto';
  document.getElementById('channel').value = '7';
  document.getElementById('channel').dispatchEvent(new Event('change'));
  await until(() => status.className === 'bad');
  verdict.refusal = status.textContent;
  console.log('VERDICT ' + JSON.stringify(verdict));
  window.close();
});
</script>
)";

class PageTest : public BrowserTest {
 protected:
  void SetUp() override {
    BrowserTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const ServeOptions options = small_server(write_conv_tasnet(folder_));
    model_ = load_model(options.model);
    service_ = std::make_unique<Service>(model_.get(), options);
    server_ = std::make_unique<HttpServer>(*service_, options, [](const std::string&) {});
    between_.Get("/", [this](const httplib::Request&, httplib::Response& response) {
      const auto page = client().Get("/");
      std::string html = page->body;
      html.insert(html.rfind("</body>"), probe);
      response.set_header("Content-Security-Policy", page->get_header_value("Content-Security-Policy"));
      response.set_content(html, "text/html; charset=utf-8");
    });
    between_.Get("/recording.wav", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(recording_, "audio/wav");
    });
    between_.Post("/v1/separate", [this](const httplib::Request& request, httplib::Response& response) {
      const auto answer = client().Post(request.target, request.body, "audio/wav");
      response.status = answer->status;
      response.set_content(answer->body, answer->get_header_value("Content-Type"));
    });
    port_ = between_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { between_.listen_after_bind(); });
  }
  void TearDown() override {
    between_.stop();
    if (thread_.joinable()) thread_.join();
    BrowserTest::TearDown();
  }
  httplib::Client client() const { return httplib::Client("127.0.0.1", server_->port()); }

  serve::Model model_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<HttpServer> server_;
  const std::string recording_ = wav_of(voices(1, 12000));
  httplib::Server between_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(PageTest, AFileThatIsDroppedIsSeparatedShownAndPlayed) {
  std::string console;
  const json verdict = look_at(fmt::format("http://127.0.0.1:{}/", port_), "--window-size=800,900", console);
  EXPECT_EQ(verdict["status"].get<std::string>().substr(0, 25), "1.5 s of sound, separated") << verdict["status"];
  EXPECT_EQ(verdict["titles"], (std::vector<std::string>{"Mixture", "Voice 1", "Voice 2"}));
  ASSERT_EQ(verdict["players"].size(), 3u);
  for (const json& player : verdict["players"]) {
    ASSERT_TRUE(player.is_number()) << player;
    EXPECT_NEAR(player.get<double>(), 1.5, 0.01);
  }
  ASSERT_EQ(verdict["pictures"].size(), 3u);
  for (const json& picture : verdict["pictures"]) {
    EXPECT_GT(picture["size"][0], 100);
    EXPECT_EQ(picture["size"][1], 256);
    EXPECT_GT(picture["shown"], 500);
  }
  // 200 Hz is the louder of the tones; a row is 8000 Hz / 512.
  EXPECT_NEAR(verdict["pictures"][0]["brightest"].get<double>(), 200 / (8000.0 / 512), 1);
  EXPECT_EQ(verdict["links"],
            json::parse(R"([["two.wav", "blob:"], ["voice1.wav", "blob:"], ["voice2.wav", "blob:"]])"));
  EXPECT_EQ(verdict["refusal"], "channel: expected 1 to 1, got 7");
  EXPECT_EQ(verdict["violations"], json::array());
  EXPECT_EQ(verdict["overflow"], 0) << "the page is wider than its window";
}

}  // namespace
}  // namespace sunder::serve

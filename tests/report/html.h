// A strict reader of the HTML that we write, by which tests see whether it is well formed: every element closed in its
// order, every attribute quoted, no stray < or &.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sunder {

struct HtmlElement {
  std::string name;
  std::map<std::string, std::string> attributes;  // unescaped
  std::string text;                               // its own and that of everything inside, unescaped
  int parent = -1;

  bool has_class(const std::string& wanted) const {
    const auto found = attributes.find("class");
    return found != attributes.end() && (" " + found->second + " ").find(" " + wanted + " ") != std::string::npos;
  }
  double number(const std::string& attribute) const { return std::stod(attributes.at(attribute)); }
};

class Html {
 public:
  explicit Html(const std::string& document) : document_(document) { parse(); }

  const std::vector<HtmlElement>& elements() const { return elements_; }
  const std::vector<std::string>& faults() const { return faults_; }

  // In document order; a class of "" stands for any. Inside `ancestor` where one is given.
  std::vector<const HtmlElement*> find(const std::string& name, const std::string& of_class = "",
                                       const HtmlElement* ancestor = nullptr) const {
    std::vector<const HtmlElement*> found;
    for (const HtmlElement& element : elements_)
      if (element.name == name && (of_class.empty() || element.has_class(of_class)) && inside(element, ancestor))
        found.push_back(&element);
    return found;
  }

  static std::string unescape(const std::string& text, std::vector<std::string>* faults = nullptr) {
    static const std::map<std::string, std::string> known = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}};
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '&') {
        result += text[i];
        continue;
      }
      const size_t end = text.find(';', i);
      const auto entity = end == std::string::npos ? known.end() : known.find(text.substr(i, end - i + 1));
      if (entity == known.end()) {
        if (faults) faults->push_back("stray & in: " + text.substr(i, 20));
        continue;
      }
      result += entity->second;
      i = end;
    }
    return result;
  }

 private:
  bool inside(const HtmlElement& element, const HtmlElement* ancestor) const {
    if (!ancestor) return true;
    for (int at = element.parent; at >= 0; at = elements_[at].parent)
      if (&elements_[at] == ancestor) return true;
    return false;
  }

  void parse() {
    std::vector<int> open;
    const std::string doctype = "<!DOCTYPE html>";
    size_t at = doctype.size();
    if (!document_.starts_with(doctype)) faults_.push_back("no doctype");
    while (at < document_.size()) {
      const size_t next = std::min(document_.find('<', at), document_.size());
      const std::string text = unescape(document_.substr(at, next - at), &faults_);
      for (const int index : open) elements_[index].text += text;
      if (next == document_.size()) break;
      at = next + 1;
      if (document_[at] == '/') close_tag(at, open);
      else open_tag(at, open);
      if (faults_.size() > 10) return;
    }
    for (const int index : open) faults_.push_back("never closed: " + elements_[index].name);
  }

  std::string word(size_t& at) const {
    const size_t begin = at;
    while (at < document_.size() && (std::isalnum(static_cast<unsigned char>(document_[at])) || document_[at] == '-'))
      ++at;
    return document_.substr(begin, at - begin);
  }

  void close_tag(size_t& at, std::vector<int>& open) {
    const std::string name = word(++at);
    if (document_.substr(at, 1) != ">") faults_.push_back("odd closing tag of " + name);
    ++at;
    if (open.empty() || elements_[open.back()].name != name)
      faults_.push_back("</" + name + "> closes " + (open.empty() ? "nothing" : elements_[open.back()].name));
    else open.pop_back();
  }

  void open_tag(size_t& at, std::vector<int>& open) {
    static const std::set<std::string> empty = {"meta", "link", "img"};
    HtmlElement element;
    const size_t begin = at;
    element.name = word(at);
    element.parent = open.empty() ? -1 : open.back();
    const auto fault = [&](const std::string& what) {
      faults_.push_back(what + " in <" + document_.substr(begin, 60));
    };
    if (element.name.empty()) fault("no name");
    bool closed = false;
    while (at < document_.size() && document_[at] != '>') {
      if (document_[at] == '/') closed = document_[++at] == '>';
      else if (std::isspace(static_cast<unsigned char>(document_[at]))) ++at;
      else {
        const std::string name = word(at);
        if (name.empty()) return fault("odd character"), void(at = document_.size());
        std::string value;
        if (document_[at] == '=') {
          if (document_[++at] != '"') fault("unquoted " + name);
          const size_t end = document_.find('"', ++at);
          value = unescape(document_.substr(at, end - at), &faults_);
          at = end == std::string::npos ? document_.size() : end + 1;
        }
        if (!element.attributes.emplace(name, value).second) fault("twice " + name);
      }
    }
    ++at;
    const std::string name = element.name;
    elements_.push_back(std::move(element));
    if (name == "script" || name == "style") {  // raw text
      const size_t end = document_.find("</" + name, at);
      elements_.back().text = document_.substr(at, end - at);
      at = std::min(end, document_.size());
    }
    if (!closed && !empty.count(name)) open.push_back(static_cast<int>(elements_.size()) - 1);
  }

  std::string document_;
  std::vector<HtmlElement> elements_;
  std::vector<std::string> faults_;
};

}  // namespace sunder

(function () {
  var all = document.querySelectorAll("details");
  var closed = [];
  addEventListener("beforeprint", function () {
    all.forEach(function (one) { if (!one.open && !one.classList.contains("rest")) { one.open = true; closed.push(one); } });
  });
  addEventListener("afterprint", function () {
    closed.forEach(function (one) { one.open = false; });
    closed = [];
  });
  if (all.length < 2) return;
  var button = document.createElement("button");
  button.type = "button";
  button.textContent = "Open all";
  button.addEventListener("click", function () {
    var open = button.textContent === "Open all";
    all.forEach(function (one) { one.open = open; });
    button.textContent = open ? "Close all" : "Open all";
  });
  all[0].parentNode.insertBefore(button, all[0]);
})();

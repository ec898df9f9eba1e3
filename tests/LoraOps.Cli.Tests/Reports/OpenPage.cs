using Microsoft.Playwright;

namespace LoraOps.Cli.Tests.Reports;

/// <summary>A page in the browser, and what it did beside being shown.</summary>
internal sealed class OpenPage : IDisposable
{
    private readonly List<string> _requests = [];
    private readonly List<string> _complaints = [];

    public OpenPage(IPage page)
    {
        Page = page;
        page.Request += (_, request) => _requests.Add(request.Url);
        page.Console += (_, message) => _complaints.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => _complaints.Add(error);
        page.Dialog += (_, dialog) => _complaints.Add($"dialog: {dialog.Message}");
    }

    /// <summary>The page.</summary>
    public IPage Page { get; }

    /// <summary>Every address that was asked for, the page's own first.</summary>
    public IReadOnlyList<string> Requests => _requests;

    /// <summary>What stands in the console, uncaught errors, dialogs.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    public void Dispose() => Task.Run(() => Page.Context.CloseAsync()).GetAwaiter().GetResult();
}

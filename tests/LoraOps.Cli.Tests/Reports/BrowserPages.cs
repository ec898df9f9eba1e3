using LoraOps.Testing;
using Microsoft.Playwright;

namespace LoraOps.Cli.Tests.Reports;

/// <summary>One headless Chromium for a class of tests; pages are opened from files, as people open them.</summary>
public sealed class BrowserPages : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SemaphoreSlim _starting = new(1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private int _count;

    public void Dispose()
    {
        if (_browser is { } browser)
            Task.Run(() => browser.CloseAsync()).GetAwaiter().GetResult();

        _playwright?.Dispose();
        _starting.Dispose();
        _folder.Dispose();
    }

    /// <summary>Opens a page; everything that it asks for or complains about is kept.</summary>
    internal async Task<OpenPage> Open(string html, int width = 1200, ColorScheme scheme = ColorScheme.Light, bool scripts = true)
    {
        var path = _folder[$"page-{Interlocked.Increment(ref _count)}.html"];
        await File.WriteAllTextAsync(path, html);
        var context = await (await Started()).NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = scheme,
            JavaScriptEnabled = scripts,
        });
        var page = new OpenPage(await context.NewPageAsync());
        await page.Page.GotoAsync(new Uri(path).AbsoluteUri);
        return page;
    }

    private async Task<IBrowser> Started()
    {
        await _starting.WaitAsync();
        try
        {
            _playwright ??= await Playwright.CreateAsync();
            return _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = BrowserFactAttribute.Browser, Headless = true, Timeout = 120_000,
            });
        }
        finally
        {
            _starting.Release();
        }
    }
}

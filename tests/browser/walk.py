"""One walk through all pages, in any language: nothing here reads words."""

from urllib.parse import urlsplit

from tests.browser.hands import App, Mail, key_of

PASSWORD, NEXT, LAST = "corridor umbrella nineteen", "lantern orchard forty", "nine violet otters"


class Walk:
    """Somebody in front of the pages, whose look at each is the eyes' work."""

    def __init__(self, page, server, eyes, *, scripts: bool):
        self.page = page
        self.url = server.url
        self.mail = Mail(server)
        self.eyes = eyes
        self.scripts = scripts

    async def at(self, path: str, name: str) -> None:
        """Be on the right page, and look at it."""
        assert urlsplit(self.page.url).path == path, (self.page.url, name)
        await self.eyes.see(name)

    async def is_home(self) -> None:
        """Be signed in."""
        assert self.page.url.rstrip("?") == f"{self.url}/account"

    async def opens(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")

    async def presses(self, action: str, **fields: str) -> None:
        """Press the button of the form that goes there."""
        chosen = "".join(
            f":has(input[name={name}][value^='{value}'])" for name, value in fields.items()
        )
        button = self.page.locator(f"form[action='{action}']{chosen} button[type=submit]").first
        async with self.page.expect_navigation():
            await button.click()

    async def follows(self, link: str) -> None:
        async with self.page.expect_navigation():
            await self.page.locator(f"main a[href^='{link}']").first.click()

    async def fills(self, **fields: str) -> None:
        for name, value in fields.items():
            await self.page.locator(f"#{name}").fill(value)

    async def types_code(self, action: str, code: str) -> None:
        """Type a code; with scripts that is all there is to do."""
        field = self.page.locator("#code")
        if self.scripts and await field.get_attribute("data-digits"):
            async with self.page.expect_navigation():
                await field.fill(code)
        else:
            await field.fill(code)
            await self.presses(action)

    async def signs_in(self, name: str, password: str) -> None:
        await self.opens("/login")
        await self.fills(name=name, password=password)
        await self.presses("/login")

    async def registers(self, address: str) -> None:
        await self.opens("/login")
        await self.at("/login", "sign-in")
        await self.fills(name=address, password="not the password")
        await self.presses("/login")
        await self.at("/login", "sign-in-refused")
        await self.follows("/register")
        await self.at("/register", "register")
        await self.fills(email=address, password="password")
        await self.presses("/register")
        await self.at("/register", "register-refused")
        await self.fills(email=address, password=PASSWORD)
        await self.presses("/register")
        await self.at("/verify-address", "verify-address-sent")
        await self.opens_link("verify-address")
        await self.presses("/verify-address")
        await self.at("/verify-address", "address-verified")

    async def opens_link(self, page: str) -> None:
        """Follow the link of the next message; without scripts its code is pasted."""
        link = await self.mail.link()
        # Another page first: the same address with another fragment is no navigation.
        await self.opens("/login")
        await self.page.goto(link)
        if not self.scripts:
            await self.fills(token=link.partition("#")[2])
        assert await self.page.locator("#token").input_value() == link.partition("#")[2]
        await self.at(f"/{page}", page)

    async def sets_up_app(self) -> App:
        """From the choice of a kind to a confirmed app."""
        await self.page.locator("button[value=totp]").first.click()
        await self.page.locator(".picture svg").wait_for()
        await self.at("/login/enrol", "enrol-app")
        await self.page.locator("main details").first.locator("summary").click()
        await self.eyes.see("enrol-app-by-hand")
        uri = await self.page.locator("a[href^='otpauth:']").get_attribute("href")
        app = App(key_of(uri))
        await self.types_code("/login/enrol/confirm", "000000")
        await self.at("/login/enrol/confirm", "enrol-app-refused")
        await self.types_code("/login/enrol/confirm", app.code())
        return app

    async def keeps_codes(self, name: str) -> list[str]:
        """Look at the recovery codes as they are shown and as they are printed, and go on."""
        await self.eyes.see(name)
        codes = await self.page.locator(".codes code").all_inner_texts()
        assert len(set(codes)) == 10
        await self.page.emulate_media(media="print")
        await self.eyes.keep(f"{name}-on-paper")
        title = await self.page.locator("h1").inner_text()
        paper = (await self.page.inner_text("body")).split()
        await self.page.emulate_media(media="screen")
        assert [word for word in paper if word in codes] == codes
        assert paper[: len(title.split())] == title.split()
        assert paper[-len(codes) :] == codes
        await self.page.locator("main input[type=checkbox]").check()
        async with self.page.expect_navigation():
            await self.page.locator("main form button[type=submit]").click()
        return codes

    async def adds_app(self) -> tuple[App, list[str]]:
        await self.at("/account", "account-new")
        await self.presses("/account/methods/add")
        await self.at("/login/enrol", "enrol-choice")
        app = await self.sets_up_app()
        codes = await self.keeps_codes("recovery-codes")
        await self.at("/account", "account-one-method")
        return app, codes

    async def adds_mail(self) -> None:
        await self.opens("/account/methods/add")
        await self.at("/account/methods/add", "add-method")
        await self.presses("/account/methods/add")
        async with self.page.expect_navigation():
            await self.page.locator("button[value=email]").first.click()
        await self.at("/login/enrol", "enrol-mail")
        await self.types_code("/login/enrol/confirm", await self.mail.code())
        await self.opens("/account")
        await self.at("/account", "account-two-methods")

    async def manages_methods(self) -> None:
        methods = self.page.locator("main a[href^='/account/methods/']")
        paths = [await link.get_attribute("href") for link in await methods.all()]
        assert len(paths) == 2
        await self.opens(paths[0])
        await self.fills(label="Mein Telefon")
        await self.presses(f"{paths[0]}/name")
        assert "Mein Telefon" in await self.page.inner_text("main")
        await self.opens(paths[1])
        await self.at(paths[1], "method")
        await self.presses(f"{paths[1]}/prefer")
        await self.opens(paths[1])
        assert await self.page.locator(f"form[action='{paths[1]}/prefer']").count() == 0
        await self.presses("/account/open", to="remove:")
        await self.at(f"{paths[1]}/remove", "remove-method")

    async def renews_codes(self) -> list[str]:
        await self.opens("/account")
        await self.presses("/account/open", to="codes")
        await self.at("/account/recovery-codes", "new-recovery-codes")
        await self.presses("/account/recovery-codes")
        return await self.keeps_codes("recovery-codes-again")

    async def changes_password(self) -> None:
        await self.opens("/account")
        await self.presses("/account/open", to="password")
        await self.at("/account/password", "password")
        await self.fills(current="wrong", password=NEXT)
        await self.presses("/account/password")
        await self.at("/account/password", "password-refused")
        await self.fills(current=PASSWORD, password=NEXT)
        await self.presses("/account/password")
        await self.at("/account", "account-told")

    async def changes_address(self, address: str) -> None:
        await self.presses("/account/open", to="address")
        await self.at("/account/address", "address")
        await self.fills(email=address)
        await self.presses("/account/address")
        await self.eyes.see("address-sent")
        await self.opens_link("change-address")
        await self.presses("/change-address")
        await self.at("/change-address", "address-changed")
        await self.opens("/account")
        assert address in await self.page.inner_text("main")

    async def ends_sessions(self, elsewhere, name: str, app: App) -> None:
        """Sign out other browsers, one and then all; they stand where they were until they ask."""
        for other in elsewhere:
            other.mail = self.mail
            await other.signs_in(name, NEXT)
            await other.chooses_app(app)
            await other.is_home()
        await self.opens("/account")
        await self.at("/account", "account-with-sessions")
        await self.presses("/account/sessions/end")
        await self.presses("/account/sessions/end-others")
        assert await self.page.locator("form[action='/account/sessions/end']").count() == 0
        for other in elsewhere:
            await other.opens("/account")
            assert other.page.url.startswith(f"{self.url}/login")
        await elsewhere[0].eyes.see("sign-in-ended")

    async def chooses_app(self, app: App) -> None:
        """Take the app where a code by e-mail is asked for first."""
        await self.mail.code()
        await self.follows("/login/code?factor=")
        await self.types_code("/login/code", app.code())

    async def signs_out(self) -> None:
        await self.opens("/account")
        await self.presses("/logout")

    async def proves_each_way(self, name: str, app: App, code: str) -> None:
        """Refused once, by mail, by app and by recovery code."""
        await self.signs_in(name, NEXT)
        await self.at("/login/code", "code-by-mail")
        await self.types_code("/login/code", "000000")
        await self.at("/login/code", "code-refused")
        await self.mail.code()
        await self.presses("/login/challenge")
        await self.types_code("/login/code", await self.mail.code())
        await self.is_home()
        await self.signs_out()
        await self.signs_in(name, NEXT)
        await self.mail.code()
        await self.follows("/login/code?factor=")
        await self.at("/login/code", "code-of-app")
        await self.types_code("/login/code", app.code())
        await self.is_home()
        await self.signs_out()
        await self.signs_in(name, NEXT)
        await self.mail.code()
        await self.follows("/login/code?use=recovery")
        await self.at("/login/code", "recovery-code")
        await self.fills(recovery_code=code.replace("-", " ").upper())
        await self.presses("/login/code")
        await self.at("/account", "account-recovered")
        await self.signs_out()

    async def forgets(self, address: str, app: App) -> None:
        """A new password opens nothing by itself: the second method is asked for as ever."""
        await self.opens("/login")
        await self.follows("/forgot-password")
        await self.at("/forgot-password", "forgot")
        await self.fills(name=address)
        await self.presses("/forgot-password")
        await self.at("/forgot-password", "forgot-sent")
        await self.opens_link("reset-password")
        await self.fills(password=LAST)
        await self.presses("/reset-password")
        await self.at("/reset-password", "password-reset")
        await self.opens("/account")
        assert self.page.url.startswith(f"{self.url}/login")
        await self.signs_in(address, LAST)
        assert self.page.url == f"{self.url}/login/code"
        await self.chooses_app(app)

    async def leaves(self) -> None:
        await self.opens("/account")
        await self.presses("/account/open", to="export")
        await self.at("/account/export", "export")
        async with self.page.expect_download():
            await self.page.locator("form[action='/account/export'] button").click()
        await self.opens("/account/not-me")
        await self.at("/account/not-me", "not-me")
        await self.opens("/account/methods/0123456789abcdef")
        await self.eyes.see("refused")
        await self.opens("/account")
        await self.presses("/account/open", to="delete")
        await self.at("/account/delete", "delete")
        await self.page.locator("input[name=sure]").check()
        await self.presses("/account/delete")
        await self.eyes.see("deleted")

    async def is_made_to(self, name: str) -> None:
        """Set a second method up because the rules demand it: later today, and then now."""
        await self.signs_in(name, PASSWORD)
        await self.at("/login/enrol", "enrol-forced")
        await self.presses("/login/skip")
        await self.is_home()
        await self.signs_out()
        await self.signs_in(name, PASSWORD)
        await self.sets_up_app()
        await self.keeps_codes("recovery-codes-forced")
        await self.is_home()
        await self.signs_out()
